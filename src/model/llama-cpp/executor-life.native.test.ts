import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type TokenId, tokenId } from '../../core/token-id.ts';
import { DECODE_KV_FULL, DECODE_OK } from './abi.ts';
import {
  choicesOf,
  codeOf,
  DECODE_FAILED,
  type ExecutorBench,
  executorBench,
  PROGRAM,
  rowValue,
  settle,
  takeViolations,
  VOCABULARY_SIZE,
} from './fakes/fake-context.ts';

afterEach(() => {
  vi.useRealTimers();
  expect(takeViolations()).toEqual([]);
});

describe('closing an executor', () => {
  it('frees the context of an idle executor, once', async () => {
    const { ask, context, executor } = executorBench();
    await ask(0, 1);
    await settle();
    await Promise.all([executor.close(), executor.close()]);
    await executor.close();
    expect(context.freedCount).toBe(1);
  });

  it('frees the context of an unused executor', async () => {
    const { context, executor } = executorBench();
    await executor.close();
    expect(context.freedCount).toBe(1);
  });

  it('refuses later forwards', async () => {
    const { ask, executor } = executorBench();
    const closing = executor.close();
    expect(await codeOf(executor.change(() => 'too late'))).toBe('disposed');
    await closing;
    expect(await codeOf(executor.change(() => 'too late'))).toBe('disposed');
    expect(await codeOf(ask(0, 1))).toBe('disposed');
  });

  it('stops the batch under way, and refuses running, waiting and later forwards', async () => {
    const { ask, context, executor } = executorBench();
    const outcomes: Promise<string>[] = [];
    const found: number[] = [];
    let closing: Promise<void> | null = null;
    context.during = async () => {
      outcomes.push(codeOf(ask(2, 1)));
      outcomes.push(codeOf(executor.change((given) => found.push(given.length(0)))));
      closing = executor.close();
      await settle();
      expect(context.freedCount).toBe(0);
    };
    outcomes.push(codeOf(ask(0, 5)), codeOf(ask(1, 5)));
    await settle(20);
    await closing;
    expect(await Promise.all(outcomes)).toEqual(['disposed', 'disposed', 'disposed', 'done']);
    expect(found).toHaveLength(1);
    expect(context.decodes).toEqual(['0:5 1:5']);
    expect(context.freedCount).toBe(1);
  });

  it('waits for the device only to release it again', async () => {
    const { ask, context, device, executor } = executorBench();
    const leave = await device.enter();
    const outcome = codeOf(ask(0, 1));
    await settle();
    const closing = executor.close();
    await settle();
    leave();
    await closing;
    expect(await outcome).toBe('disposed');
    expect(context.decodes).toEqual([]);
    expect(context.freedCount).toBe(1);
    await expect(device.exclusive(async () => 'free')).resolves.toBe('free');
  });

  it('returns the rows that were computed, and no others', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { ask, choices, context, executor } = executorBench();
    let closing: Promise<void> | null = null;
    context.reading = () => {
      closing ??= executor.close();
      vi.advanceTimersByTime(10);
    };
    const whole = choices(ask(0, 3, { outputs: 3 }));
    const part = codeOf(ask(1, 100, { outputs: 100 }));
    expect(await whole).toEqual(choicesOf(0, 0, 3));
    expect(await part).toBe('disposed');
    await closing;
    expect(context.decodes).toEqual(['0:3 1:61']);
    expect(context.freedCount).toBe(1);
  });

  it('stops the search for the forward at fault', async () => {
    const { ask, context, executor } = executorBench();
    let closing: Promise<void> | null = null;
    context.code = () => DECODE_KV_FULL;
    context.during = (decode) => {
      if (decode === 1) closing = executor.close();
    };
    const outcomes = [0, 1, 2].map((sequence) => codeOf(ask(sequence, 1)));
    expect(await Promise.all(outcomes)).toEqual(['disposed', 'disposed', 'disposed']);
    await closing;
    expect(context.decodes).toEqual(['0:1 1:1 2:1', '0:1']);
    expect(context.freedCount).toBe(1);
  });

  it('tolerates forwards that are cancelled afterwards', async () => {
    const { ask, context, executor } = executorBench();
    const controller = new AbortController();
    const outcome = codeOf(ask(0, 1, { signal: controller.signal }));
    const closing = executor.close();
    controller.abort();
    await closing;
    expect(await outcome).toMatch(/aborted|disposed/);
    expect(context.freedCount).toBe(1);
  });
});

interface Step {
  readonly rowCount: number;
  readonly outputShare: number;
  readonly hidden: boolean;
  /** Turns of the event loop before it is cancelled. */
  readonly cancelAfter: number | null;
  /** The number of tokens that are cut off the sequence afterwards. */
  readonly cut: number;
}

type Failure = 'none' | 'kv-full' | 'other' | 'throw';

interface Course {
  /** The steps of each sequence, in order. */
  readonly actors: readonly (readonly Step[])[];
  /** The failures of decodes, repeated in a cycle. */
  readonly failures: readonly Failure[];
  readonly decodeTurns: readonly number[];
  /** Turns of the event loop before the executor is closed. */
  readonly closeAfter: number | null;
  readonly rowCountMax: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  rowCount: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 70 })),
  outputShare: fc.double({ min: 0, max: 1, noNaN: true }),
  hidden: fc.boolean(),
  cancelAfter: fc.option(fc.nat({ max: 12 }), { freq: 2 }),
  cut: fc.oneof(fc.constant(0), fc.nat({ max: 10 })),
});

const failure: fc.Arbitrary<Failure> = fc.oneof(
  { weight: 6, arbitrary: fc.constant('none') },
  { weight: 1, arbitrary: fc.constantFrom('kv-full', 'other', 'throw') },
);

const courses: fc.Arbitrary<Course> = fc.record({
  actors: fc.array(fc.array(step, { maxLength: 6 }), { minLength: 1, maxLength: 5 }),
  failures: fc.array(failure, { minLength: 1, maxLength: 12 }),
  decodeTurns: fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 5 }),
  closeAfter: fc.option(fc.nat({ max: 40 }), { freq: 2 }),
  rowCountMax: fc.integer({ min: 16, max: 40 }),
});

/** The possible outcomes of a course: nothing fails without a cause. */
function possibleCodes({ actors, failures, closeAfter }: Course): Set<string> {
  const codes = new Set(['done']);
  if (actors.flat().some(({ cancelAfter }) => cancelAfter !== null)) codes.add('aborted');
  if (failures.includes('kv-full')) codes.add('kv-full');
  if (failures.includes('other')) codes.add('native-failed');
  if (failures.includes('throw')) codes.add('the decode threw');
  if (closeAfter !== null) codes.add('disposed');
  return codes;
}

/** One sequence. It feeds new tokens, and knows the tokens that it must hold. */
class Actor {
  readonly codes: string[] = [];
  readonly #bench: ExecutorBench;
  readonly #sequence: number;
  #text: TokenId[] = [];
  #fedCount = 0;

  constructor(bench: ExecutorBench, sequence: number) {
    this.#bench = bench;
    this.#sequence = sequence;
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const one of steps) {
      const code = await this.#forward(one);
      this.codes.push(code);
      if (code === 'disposed' || !(await this.#cut(one.cut))) return;
      expect(this.#bench.context.tokens(this.#sequence)).toEqual(this.#text);
    }
  }

  async #forward({ rowCount, outputShare, hidden, cancelAfter }: Step): Promise<string> {
    const position = this.#text.length;
    const tokens = Array.from({ length: rowCount }, () => {
      this.#fedCount += 1;
      return tokenId(this.#sequence * 100_000 + this.#fedCount);
    });
    const outputFrom = Math.round(rowCount * outputShare);
    const request = { tokens, outputFrom, program: { ...PROGRAM, hidden } };
    const controller = new AbortController();
    if (cancelAfter !== null) void settle(cancelAfter).then(() => controller.abort());
    const slot = { sequence: this.#sequence, position };
    const end = await this.#bench.executor.forward(slot, request, controller.signal);
    if ('error' in end) {
      const code = await codeOf(Promise.reject(end.error));
      const kept = end.length - this.#text.length;
      expect(kept).toBeGreaterThanOrEqual(0);
      expect(kept).toBeLessThanOrEqual(tokens.length);
      this.#text.push(...tokens.slice(0, kept));
      if (code !== 'disposed') await this.#checkLength();
      return code;
    }
    this.#text.push(...tokens);
    const values = tokens
      .map((_, index) => rowValue(this.#text.slice(0, position + index + 1)))
      .slice(outputFrom);
    const { rows } = end.forward;
    expect(rows.map(({ tokenId: choice }) => choice)).toEqual(
      values.map((value) => value % VOCABULARY_SIZE),
    );
    expect(rows.map((row) => row.hidden?.[0] ?? null)).toEqual(
      values.map((value) => (hidden ? value : null)),
    );
    return 'done';
  }

  /** The reported length is the real one as soon as no batch is under way. */
  async #checkLength(): Promise<void> {
    const { executor } = this.#bench;
    const asked = executor.change((context) => context.length(this.#sequence));
    const length = await asked.catch(() => this.#text.length);
    expect(length).toBe(this.#text.length);
  }

  /** @returns false when the executor is closed */
  async #cut(count: number): Promise<boolean> {
    const length = Math.max(0, this.#text.length - count);
    const { executor } = this.#bench;
    const code = await codeOf(executor.change((given) => given.truncate(this.#sequence, length)));
    this.#text = this.#text.slice(0, length);
    return code === 'done';
  }
}

function misbehave({ context }: ExecutorBench, { failures, decodeTurns }: Course): void {
  context.during = (decode) => settle(decodeTurns[decode % decodeTurns.length]);
  context.code = () => {
    switch (failures[(context.decodes.length - 1) % failures.length]) {
      case 'kv-full':
        return DECODE_KV_FULL;
      case 'other':
        return DECODE_FAILED;
      case 'throw':
        throw new Error('the decode threw');
      default:
        return DECODE_OK;
    }
  };
}

/** Whether the work ends within this number of turns of the event loop. Its failure is thrown. */
async function endsWithin(turns: number, work: Promise<unknown>): Promise<boolean> {
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  work.then(end, end);
  for (let turn = 0; turn < turns && !ended; turn += 1) await settle(1);
  if (ended) await work;
  return ended;
}

describe('any series of forwards, cancellations, failures and closes', () => {
  it('ends every forward with its correct rows or for a cause, and frees the context once', async () => {
    await fc.assert(
      fc.asyncProperty(courses, async (course) => {
        const bench = executorBench({ rowCountMax: course.rowCountMax });
        const { context, executor } = bench;
        misbehave(bench, course);
        const actors = course.actors.map((_, sequence) => new Actor(bench, sequence));
        const closing =
          course.closeAfter === null
            ? Promise.resolve()
            : settle(course.closeAfter).then(() => executor.close());
        const acting = actors.map((actor, index) => actor.run(course.actors[index] ?? []));
        expect(await endsWithin(20_000, Promise.all([...acting, closing]))).toBe(true);
        const possible = possibleCodes(course);
        for (const code of actors.flatMap(({ codes }) => codes)) expect(possible).toContain(code);
        if (course.closeAfter === null) {
          expect(actors.map(({ codes }) => codes.length)).toEqual(
            course.actors.map(({ length }) => length),
          );
        }
        expect(executor.batchCount).toBe(context.decodes.length);
        await executor.close();
        expect(context.freedCount).toBe(1);
        expect(takeViolations()).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
