import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { present } from '../../core/invariant.ts';
import {
  type BatchPart,
  type BatchRoom,
  planBatch,
  STREAM_ROW_COUNT_MAX,
  type Waiting,
} from './batch-plan.ts';

interface Named extends Waiting {
  readonly id: number;
}

const isStream = ({ rowsLeft }: Waiting): boolean => rowsLeft <= STREAM_ROW_COUNT_MAX;
const rowsOf = (parts: readonly BatchPart<Waiting>[]): number =>
  parts.reduce((sum, { rowCount }) => sum + rowCount, 0);
/** `name:rows` of every part. */
const shown = (parts: readonly BatchPart<Named>[]): string =>
  parts.map(({ forward, rowCount }) => `${forward.id}:${rowCount}`).join(' ');

/** Waiting forwards of these lengths; hidden ones are negative. */
const waitingOf = (...lengths: readonly number[]): Named[] =>
  lengths.map((length, id) => ({
    ...{ id, rowsLeft: Math.abs(length), hidden: length < 0 },
    endsPrompt: false,
  }));

const ROOM: BatchRoom = { rowCountMax: 256, prefillRowCountMax: 64 };

describe('planBatch', () => {
  it('runs streams that wait together in one batch, in order of arrival', () => {
    expect(shown(planBatch(waitingOf(1, 5, 1), ROOM))).toBe('0:1 1:5 2:1');
  });

  it('gives a prefill that is alone the whole batch, and cuts it there', () => {
    expect(shown(planBatch(waitingOf(200), ROOM))).toBe('0:200');
    expect(shown(planBatch(waitingOf(300), ROOM))).toBe('0:256');
  });

  it('gives prefills a smaller room beside streams, oldest first', () => {
    expect(shown(planBatch(waitingOf(200, 1), ROOM))).toBe('1:1 0:64');
    expect(shown(planBatch(waitingOf(40, 1, 50, 40), ROOM))).toBe('1:1 0:40 2:24');
  });

  it('reads prompts that came together one after the other, short ones together', () => {
    expect(shown(planBatch(waitingOf(100, 100, 100), ROOM))).toBe('0:100');
    expect(shown(planBatch(waitingOf(20, 20, 100, 20), ROOM))).toBe('0:20 1:20 2:24');
  });

  it('finishes a prompt of which only a few rows would be left', () => {
    expect(shown(planBatch(waitingOf(1, 80, 40), ROOM))).toBe('0:1 1:80');
    expect(shown(planBatch(waitingOf(1, 81, 40), ROOM))).toBe('0:1 1:64');
  });

  it('writes the first token of the oldest before the next prompt is read', () => {
    const [first, ...others] = waitingOf(1, 1, 80);
    const waiting = [{ ...present(first, 'it is there'), endsPrompt: true }, ...others];
    expect(shown(planBatch(waiting, ROOM))).toBe('0:1 1:1');
    // Not that of a later one: the oldest, a prefill, would wait as long as others come.
    const [prefill, later] = waitingOf(80, 1);
    const oldFirst = [
      present(prefill, 'it is there'),
      { ...present(later, 'it too'), endsPrompt: true },
    ];
    expect(shown(planBatch(oldFirst, ROOM))).toBe('1:1 0:80');
  });

  it('passes by a stream that does not fit, for one that does', () => {
    const room = { rowCountMax: 20, prefillRowCountMax: 20 };
    expect(shown(planBatch(waitingOf(16, 8, 4), room))).toBe('0:16 2:4');
  });

  it('serves only those that want hidden states if the oldest does, or only the others', () => {
    expect(shown(planBatch(waitingOf(-1, 1, -40, 2), ROOM))).toBe('0:1 2:40');
    expect(shown(planBatch(waitingOf(40, -1, 1, -40), ROOM))).toBe('2:1 0:40');
  });

  it('keeps rows for the oldest prefill however many streams come', () => {
    const streams = Array.from({ length: 40 }, () => 16);
    const parts = planBatch(waitingOf(200, ...streams), ROOM);
    expect(parts.find(({ forward }) => forward.id === 0)?.rowCount).toBeGreaterThan(0);
    expect(rowsOf(parts)).toBeGreaterThan(200);
  });

  it('keeps no more rows for the oldest prefill than it has left', () => {
    const streams = [...Array.from({ length: 14 }, () => 16), 15];
    expect(rowsOf(planBatch(waitingOf(17, ...streams), ROOM))).toBe(256);
  });

  it('has nothing to run where nobody waits', () => {
    expect(planBatch([], ROOM)).toEqual([]);
  });
});

/** A batch's room as the executor makes it: a forward never has more rows than a batch. */
const rooms = fc
  .record({
    rowCountMax: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 17, max: 64 })),
    beside: fc.integer({ min: 1, max: 80 }),
  })
  .map(({ rowCountMax, beside }) => ({
    rowCountMax,
    prefillRowCountMax: Math.min(rowCountMax, beside),
  }));

const situations = rooms.chain((room) => {
  const most = (limit: number): number => Math.min(room.rowCountMax, limit);
  const rowsLeft = fc.oneof(
    fc.integer({ min: 1, max: room.rowCountMax }),
    fc.integer({ min: 1, max: most(STREAM_ROW_COUNT_MAX + 2) }),
    fc.constant(most(STREAM_ROW_COUNT_MAX)),
  );
  const forwards = fc.array(
    fc.record({ rowsLeft, hidden: fc.boolean(), endsPrompt: fc.boolean() }),
    {
      minLength: 1,
      maxLength: 40,
    },
  );
  return forwards.map((list) => ({ room, waiting: list.map((one, id) => ({ ...one, id })) }));
});

/** Plans for any waiting list; `check` sees the parts and who was left out. */
function forAnyWaiting(
  check: (seen: {
    room: BatchRoom;
    waiting: readonly Named[];
    parts: readonly BatchPart<Named>[];
  }) => void,
): void {
  fc.assert(
    fc.property(situations, ({ room, waiting }) => {
      check({ room, waiting, parts: planBatch(waiting, room) });
    }),
    { numRuns: 300 },
  );
}

const rising = (numbers: readonly number[]): boolean =>
  numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? number));

describe('a batch for any waiting list', () => {
  it('has rows, never more than fit, and each forward once', () => {
    forAnyWaiting(({ room, waiting, parts }) => {
      expect(rowsOf(parts)).toBeGreaterThan(0);
      expect(rowsOf(parts)).toBeLessThanOrEqual(room.rowCountMax);
      expect(new Set(parts.map(({ forward }) => forward.id)).size).toBe(parts.length);
      for (const { forward, rowCount } of parts) {
        expect(waiting).toContain(forward);
        expect(rowCount).toBeGreaterThan(0);
        expect(rowCount).toBeLessThanOrEqual(forward.rowsLeft);
      }
    });
  });

  it('holds streams whole, and cuts at most the last of the prefills', () => {
    forAnyWaiting(({ parts }) => {
      const cut = parts.filter(({ forward, rowCount }) => rowCount < forward.rowsLeft);
      expect(cut.filter(({ forward }) => isStream(forward))).toEqual([]);
      expect(cut.length).toBeLessThanOrEqual(1);
      if (cut.length > 0) expect(cut[0]).toBe(parts.at(-1));
    });
  });

  it('is of one kind: the oldest decides whether hidden states are computed', () => {
    forAnyWaiting(({ waiting, parts }) => {
      for (const { forward } of parts) expect(forward.hidden).toBe(waiting[0]?.hidden);
    });
  });

  it('serves the oldest', () => {
    forAnyWaiting(({ waiting, parts }) => {
      expect(parts.map(({ forward }) => forward)).toContain(waiting[0]);
    });
  });

  it('keeps the order of arrival among streams, and among prefills', () => {
    forAnyWaiting(({ parts }) => {
      const ids = (stream: boolean): number[] =>
        parts
          .filter(({ forward }) => isStream(forward) === stream)
          .map(({ forward }) => forward.id);
      expect(rising(ids(true))).toBe(true);
      expect(rising(ids(false))).toBe(true);
    });
  });

  it('passes nobody by who would have fitted', () => {
    forAnyWaiting(({ room, waiting, parts }) => {
      const served = new Set(parts.map(({ forward }) => forward));
      const left = room.rowCountMax - rowsOf(parts);
      const absent = waiting.filter(
        (forward) => forward.hidden === waiting[0]?.hidden && !served.has(forward),
      );
      // Rows kept for the oldest prefill are not kept where it does not use them.
      for (const forward of absent.filter(isStream)) expect(forward.rowsLeft).toBeGreaterThan(left);
      const prefillRows = rowsOf(parts.filter(({ forward }) => !isStream(forward)));
      const endsPrompt = parts[0]?.forward.endsPrompt === true && isStream(parts[0].forward);
      if (!endsPrompt && absent.some((forward) => !isStream(forward))) {
        expect(left === 0 || prefillRows >= room.prefillRowCountMax).toBe(true);
      }
    });
  });

  it('gives prefills that are not alone little more than their smaller room', () => {
    forAnyWaiting(({ room, parts }) => {
      const [first, ...others] = parts.filter(({ forward }) => !isStream(forward));
      const isShared = parts.some(({ forward }) => isStream(forward));
      if (first === undefined || (others.length === 0 && !isShared)) return;
      const rows = rowsOf([first, ...others]);
      expect(rows).toBeLessThanOrEqual(room.prefillRowCountMax + STREAM_ROW_COUNT_MAX);
    });
  });
});

interface Live extends Waiting {
  rowsLeft: number;
}

describe('planning again and again while others keep coming', () => {
  it('finishes every forward in a number of rounds that does not depend on those', () => {
    const arrivals = fc.record({
      situation: situations,
      each: fc.integer({ min: 1, max: STREAM_ROW_COUNT_MAX }),
      prefill: fc.integer({ min: 1, max: 300 }),
    });
    fc.assert(
      fc.property(arrivals, ({ situation: { room, waiting }, each, prefill }) => {
        const first: Live[] = waiting.map(({ id: _, ...live }) => ({ ...live }));
        // Every round brings more streams than fit, and a prefill, of both kinds.
        const coming = (): Live[] =>
          [false, true].flatMap((hidden) => [
            ...Array.from({ length: Math.ceil(room.rowCountMax / each) + 1 }, () => ({
              rowsLeft: Math.min(each, room.rowCountMax),
              hidden,
              endsPrompt: true,
            })),
            { rowsLeft: Math.min(prefill, room.rowCountMax), hidden, endsPrompt: false },
          ]);
        // The oldest needs one round, or a few if it is a prefill.
        const share = Math.min(room.prefillRowCountMax, Math.ceil(room.rowCountMax / 8));
        const bound = first.length * Math.ceil(room.rowCountMax / share);
        let live = first;
        for (let round = 0; first.some(({ rowsLeft }) => rowsLeft > 0); round += 1) {
          expect(round).toBeLessThan(bound);
          for (const { forward, rowCount } of planBatch(live, room)) forward.rowsLeft -= rowCount;
          live = live.filter(({ rowsLeft }) => rowsLeft > 0);
          if (live.length < 200) live = [...live, ...coming()];
        }
      }),
      { numRuns: 100 },
    );
  });
});
