import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { required } from '../../core/invariant.ts';
import {
  type BatchPart,
  type BatchRoom,
  type Before,
  isStream,
  passedBy,
  planBatch,
  STREAM_ROW_COUNT_MAX,
  type Waiting,
} from './batch-plan.ts';

interface Named extends Waiting {
  readonly id: number;
}

const rowsOf = (parts: readonly BatchPart<Waiting>[]): number =>
  parts.reduce((sum, { rowCount }) => sum + rowCount, 0);
/** `name:rows` of every part. */
const shown = (parts: readonly BatchPart<Named>[]): string =>
  parts.map(({ forward, rowCount }) => `${forward.id}:${rowCount}`).join(' ');

/** Waiting forwards of these lengths. Negative lengths want hidden states. */
const waitingOf = (...lengths: readonly number[]): Named[] =>
  lengths.map((length, id) => ({
    ...{ id, rowsLeft: Math.abs(length), hidden: length < 0 },
    ...{ endsPrompt: false, continuesPrompt: false, wasPassedBy: false },
  }));

/** A prompt that is being read. It keeps its place, and its text continues after this part. */
const promptOf = (rowsLeft: number): Named => ({
  ...required(waitingOf(rowsLeft)[0], 'it is there'),
  continuesPrompt: true,
});

const ROOM: BatchRoom = { rowCountMax: 256, prefillRowCountMax: 64 };

describe('planBatch', () => {
  it('runs streams that wait together in one batch, in order of arrival', () => {
    expect(shown(planBatch(waitingOf(1, 5, 1), ROOM))).toBe('0:1 1:5 2:1');
  });

  it('gives a lone prefill the whole batch, and cuts it there', () => {
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

  it('finishes a prompt if only a few rows would be left', () => {
    expect(shown(planBatch(waitingOf(1, 80, 40), ROOM))).toBe('0:1 1:80');
    expect(shown(planBatch(waitingOf(1, 81, 40), ROOM))).toBe('0:1 1:64');
  });

  it('writes the first token of the oldest before the next prompt is read', () => {
    const [first, ...others] = waitingOf(1, 1, 80);
    const waiting = [{ ...required(first, 'it is there'), endsPrompt: true }, ...others];
    expect(shown(planBatch(waiting, ROOM))).toBe('0:1 1:1');
    // Only that of the oldest forward: an oldest prefill would wait as long as other streams come.
    const [prefill, later] = waitingOf(80, 1);
    const oldFirst = [
      required(prefill, 'it is there'),
      { ...required(later, 'it too'), endsPrompt: true },
    ];
    expect(shown(planBatch(oldFirst, ROOM))).toBe('1:1 0:80');
  });

  it('passes by a stream that does not fit, for a stream that does', () => {
    const room = { rowCountMax: 20, prefillRowCountMax: 20 };
    expect(shown(planBatch(waitingOf(16, 8, 4), room))).toBe('0:16 2:4');
  });

  it('serves only forwards that want hidden states if the oldest does, or else only the others', () => {
    expect(shown(planBatch(waitingOf(-1, 1, -40, 2), ROOM))).toBe('0:1 2:40');
    expect(shown(planBatch(waitingOf(40, -1, 1, -40), ROOM))).toBe('2:1 0:40');
  });

  it('keeps rows for the oldest prefill, once passed by, against any number of streams', () => {
    const streams = Array.from({ length: 40 }, () => 16);
    const rowsFor = (wasPassedBy: boolean): number | undefined => {
      const [oldest, ...others] = waitingOf(200, ...streams);
      const prefill = { ...required(oldest, 'it is there'), wasPassedBy };
      const parts = planBatch([prefill, ...others], ROOM);
      expect(rowsOf(parts)).toBeGreaterThan(200);
      return parts.find(({ forward }) => forward.id === 0)?.rowCount;
    };
    expect(rowsFor(false)).toBeUndefined();
    expect(rowsFor(true)).toBeGreaterThan(0);
  });

  it('keeps no more rows for the oldest prefill than it has left', () => {
    const streams = [...Array.from({ length: 14 }, () => 16), 15];
    const [oldest, ...others] = waitingOf(17, ...streams);
    const passedBy = { ...required(oldest, 'it is there'), wasPassedBy: true };
    expect(rowsOf(planBatch([passedBy, ...others], ROOM))).toBe(256);
  });

  it('continues a prompt behind streams, even if its forward has few rows', () => {
    const room = { rowCountMax: 16, prefillRowCountMax: 16 };
    const [, first, second] = waitingOf(16, 1, 1);
    const streams = [required(first, 'it is there'), required(second, 'it too')];
    expect(shown(planBatch([promptOf(16), ...streams], room))).toBe('1:1 2:1 0:14');
    expect(shown(planBatch([promptOf(3), ...streams], room))).toBe('1:1 2:1 0:3');
  });

  it('gives prefills the smaller room also beside streams of another model', () => {
    const before = { hidden: false, streamsElsewhere: true };
    expect(shown(planBatch(waitingOf(200), ROOM, before))).toBe('0:64');
    expect(shown(planBatch(waitingOf(80, 200), ROOM, before))).toBe('0:80');
  });

  it('gives prefills the smaller room also beside streams of the other kind', () => {
    expect(shown(planBatch(waitingOf(200, -1), ROOM))).toBe('0:64');
  });

  it('alternates between forwards with and without hidden states if both wait', () => {
    const once = (hidden: boolean): Before => ({ hidden, streamsElsewhere: false });
    expect(shown(planBatch(waitingOf(40, -1, 1), ROOM, once(false)))).toBe('1:1');
    expect(shown(planBatch(waitingOf(40, -1, 1), ROOM, once(true)))).toBe('2:1 0:40');
    expect(shown(planBatch(waitingOf(-1, -2), ROOM, once(true)))).toBe('0:1 1:2');
  });

  it('counts a prefill as passed by if it gets less than its share and does not finish', () => {
    const byPassed = (...lengths: readonly number[]): number[] => {
      const waiting = waitingOf(...lengths);
      return [...passedBy(waiting, planBatch(waiting, ROOM), ROOM)].map(({ id }) => id);
    };
    const streams = Array.from({ length: 16 }, () => 16);
    expect(byPassed(200, ...streams.slice(1), 15)).toEqual([0]);
    expect(byPassed(17, ...streams.slice(2), 15)).toEqual([]);
    expect(byPassed(1, ...streams)).toEqual([16]);
  });

  it('is empty if no forward waits', () => {
    expect(planBatch([], ROOM)).toEqual([]);
  });
});

/** A batch's room as the executor sets it: a forward never has more rows than a batch. */
const rooms = fc
  .record({
    rowCountMax: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 17, max: 64 })),
    beside: fc.integer({ min: 1, max: 80 }),
  })
  .map(({ rowCountMax, beside }) => ({
    rowCountMax,
    prefillRowCountMax: Math.min(rowCountMax, beside),
  }));

const queues = rooms.chain((room) => {
  const most = (limit: number): number => Math.min(room.rowCountMax, limit);
  const rowsLeft = fc.oneof(
    fc.integer({ min: 1, max: room.rowCountMax }),
    fc.integer({ min: 1, max: most(STREAM_ROW_COUNT_MAX + 2) }),
    fc.constant(most(STREAM_ROW_COUNT_MAX)),
  );
  const prompt = fc.constantFrom(
    { endsPrompt: false, continuesPrompt: false },
    { endsPrompt: true, continuesPrompt: false },
    { endsPrompt: false, continuesPrompt: true },
  );
  const forward = fc
    .record({ rowsLeft, hidden: fc.boolean(), wasPassedBy: fc.boolean(), prompt })
    .map(({ prompt: part, ...one }) => ({ ...one, ...part }));
  return fc.record({
    room: fc.constant(room),
    waiting: fc
      .array(forward, { minLength: 1, maxLength: 40 })
      .map((list) => list.map((one, id) => ({ ...one, id }))),
    before: fc.record({
      hidden: fc.option(fc.boolean()),
      streamsElsewhere: fc.boolean(),
    }),
  });
});

/** Plans for any waiting list. `check` sees the parts and the forwards that were left out. */
function forAnyWaiting(
  check: (seen: {
    room: BatchRoom;
    waiting: readonly Named[];
    /** The forwards of the batch's kind. */
    alike: readonly Named[];
    parts: readonly BatchPart<Named>[];
    before: Before;
  }) => void,
): void {
  fc.assert(
    fc.property(queues, ({ room, waiting, before }) => {
      const parts = planBatch(waiting, room, before);
      const hidden = parts[0]?.forward.hidden;
      const alike = waiting.filter((forward) => forward.hidden === hidden);
      check({ room, waiting, alike, parts, before });
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

  it('has one kind as to hidden states, and not that of the last batch if both wait', () => {
    forAnyWaiting(({ waiting, parts, before }) => {
      const kinds = new Set(waiting.map(({ hidden }) => hidden));
      const expected =
        before.hidden === null || kinds.size === 1 ? waiting[0]?.hidden : !before.hidden;
      for (const { forward } of parts) expect(forward.hidden).toBe(expected);
    });
  });

  it('serves the oldest of its kind, unless that is a prefill that was not passed by yet', () => {
    forAnyWaiting(({ alike, parts }) => {
      const oldest = required(alike[0], 'a forward waits');
      const served = parts.map(({ forward }) => forward);
      if (isStream(oldest) || oldest.wasPassedBy) expect(served).toContain(oldest);
      else if (!served.includes(oldest)) expect(served.some(isStream)).toBe(true);
    });
  });

  it('serves the first stream, unless its rows are kept for a prefill that was passed by', () => {
    forAnyWaiting(({ alike, parts }) => {
      const stream = alike.find(isStream);
      if (stream === undefined || (alike[0]?.wasPassedBy === true && !isStream(alike[0]))) return;
      expect(parts.map(({ forward }) => forward)).toContain(stream);
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

  it('passes by no forward that would have fitted', () => {
    forAnyWaiting(({ room, alike, parts }) => {
      const served = new Set(parts.map(({ forward }) => forward));
      const left = room.rowCountMax - rowsOf(parts);
      const absent = alike.filter((forward) => !served.has(forward));
      // Rows kept for the oldest prefill are only kept as far as it uses them.
      for (const forward of absent.filter(isStream)) expect(forward.rowsLeft).toBeGreaterThan(left);
      const prefillRows = rowsOf(parts.filter(({ forward }) => !isStream(forward)));
      const endsPrompt = alike[0]?.endsPrompt === true && isStream(alike[0]);
      if (!endsPrompt && absent.some((forward) => !isStream(forward))) {
        expect(left === 0 || prefillRows >= room.prefillRowCountMax).toBe(true);
      }
    });
  });

  it('gives prefills that are not alone little more than their smaller room', () => {
    forAnyWaiting(({ room, waiting, parts, before }) => {
      const [first, ...others] = parts.filter(({ forward }) => !isStream(forward));
      const isShared = before.streamsElsewhere || waiting.some(isStream);
      if (first === undefined || (others.length === 0 && !isShared)) return;
      const rows = rowsOf([first, ...others]);
      expect(rows).toBeLessThanOrEqual(room.prefillRowCountMax + STREAM_ROW_COUNT_MAX);
    });
  });
});

interface Live extends Waiting {
  rowsLeft: number;
  wasPassedBy: boolean;
}

/** A model that plans again and again, as its executor does. */
class Course {
  readonly #room: BatchRoom;
  #hiddenBefore: boolean | null = null;

  constructor(room: BatchRoom) {
    this.#room = room;
  }

  /** Runs one batch. @returns the forwards that still wait */
  run(waiting: readonly Live[]): Live[] {
    const before = { hidden: this.#hiddenBefore, streamsElsewhere: false };
    const parts = planBatch(waiting, this.#room, before);
    const hidden = parts[0]?.forward.hidden === true;
    this.#hiddenBefore = hidden;
    const alike = waiting.filter((forward) => forward.hidden === hidden);
    const unserved = passedBy(alike, parts, this.#room);
    for (const forward of alike) forward.wasPassedBy = unserved.has(forward);
    for (const { forward, rowCount } of parts) forward.rowsLeft -= rowCount;
    return waiting.filter(({ rowsLeft }) => rowsLeft > 0);
  }
}

const liveOf = (rowsLeft: number, more: Partial<Live> = {}): Live => ({
  ...{ rowsLeft, hidden: false, endsPrompt: false, continuesPrompt: false, wasPassedBy: false },
  ...more,
});

const arrivals = fc.record({
  queue: queues,
  each: fc.integer({ min: 1, max: STREAM_ROW_COUNT_MAX }),
  prefill: fc.integer({ min: 1, max: 300 }),
});

/** The arrivals of each round: more streams than fit, and a prefill, of both kinds. */
function coming(
  { rowCountMax }: BatchRoom,
  { each, prefill }: { readonly each: number; readonly prefill: number },
): Live[] {
  return [false, true].flatMap((hidden) => [
    ...Array.from({ length: Math.ceil(rowCountMax / each) + 1 }, () =>
      liveOf(Math.min(each, rowCountMax), { hidden, endsPrompt: true }),
    ),
    liveOf(Math.min(prefill, rowCountMax), { hidden }),
  ]);
}

/** The two kinds take turns, and so do streams and an oldest prefill. */
const TURNS = 4;

describe('planning again and again while others keep coming', () => {
  it('finishes every forward in a number of rounds that does not depend on the arrivals', () => {
    fc.assert(
      fc.property(arrivals, ({ queue: { room, waiting }, ...others }) => {
        const first: Live[] = waiting.map(({ id: _, ...live }) => ({ ...live }));
        const course = new Course(room);
        // The oldest forward needs one round of its own, or a few rounds if it is a prefill.
        const share = Math.min(room.prefillRowCountMax, Math.ceil(room.rowCountMax / 8));
        const bound = TURNS * first.length * Math.ceil(room.rowCountMax / share);
        let live = first;
        for (let round = 0; first.some(({ rowsLeft }) => rowsLeft > 0); round += 1) {
          expect(round).toBeLessThan(bound);
          live = course.run(live);
          if (live.length < 200) live = [...live, ...coming(room, others)];
        }
      }),
      { numRuns: 100 },
    );
  });

  it('finishes every stream also behind a prompt that never ends and keeps its place', () => {
    fc.assert(
      fc.property(arrivals, ({ queue: { room, waiting }, ...others }) => {
        const first: Live[] = waiting.map(({ id: _, ...live }) => ({ ...live }));
        const streams = first.filter(isStream);
        const course = new Course(room);
        const chunk = (): Live => liveOf(room.rowCountMax, { continuesPrompt: true });
        let prompt = chunk();
        let live = first;
        let promptRows = 0;
        const bound = TURNS * (streams.length + 1);
        for (let round = 0; streams.some(({ rowsLeft }) => rowsLeft > 0); round += 1) {
          expect(round).toBeLessThan(bound);
          live = course.run([prompt, ...live]).filter((forward) => forward !== prompt);
          promptRows += room.rowCountMax - prompt.rowsLeft;
          if (prompt.rowsLeft === 0) prompt = chunk();
          if (live.length < 200) live = [...live, ...coming(room, others)];
        }
        // The prompt continues meanwhile.
        for (let round = 0; round < TURNS; round += 1) {
          course.run([prompt, ...live]);
          promptRows += room.rowCountMax - prompt.rowsLeft;
        }
        expect(promptRows).toBeGreaterThan(0);
      }),
      { numRuns: 200 },
    );
  });
});
