/**
 * Continuous batching under a simulated context: a scheduler decides when each decode ends, and when
 * each stream continues or is cancelled. Every row must equal the row that the sequence alone would
 * give.
 */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { PilotfishError } from '../../src/core/errors.ts';
import { required } from '../../src/core/invariant.ts';
import { tokenIds } from '../../src/core/token-id.ts';
import { DECODE_KV_FULL, DECODE_OK } from '../../src/model/llama-cpp/abi.ts';
import type { BatchRows } from '../../src/model/llama-cpp/batch.ts';
import {
  DECODE_FAILED,
  executorBench,
  type FakeContext,
  PROGRAM,
  rowValue,
  takeViolations,
  VOCABULARY_SIZE,
} from '../../src/model/llama-cpp/fakes/fake-context.ts';
import { LlamaCppSequence, type SequenceHome } from '../../src/model/llama-cpp/sequence.ts';
import { RUNS_ARE_FULL, runs } from '../runs.ts';
import { Tally } from './tally.ts';

const ROW_COUNT_MAX = 32;
/** Far more steps than any run needs. */
const STEP_COUNT_MAX = 5_000;
/** Sequences of a fork are opened for their own actor, beside the first sequences. */
const SLOT_COUNT = 32;

afterEach(() => {
  expect(takeViolations()).toEqual([]);
});

type Feeding =
  | { readonly kind: 'forward'; readonly rows: number; readonly outputs: number }
  | { readonly kind: 'aborted'; readonly rows: number; readonly after: number };

type Action = Feeding | { readonly kind: 'truncate' | 'fork'; readonly cut: number };

type DecodeFailure = 'none' | 'failed' | 'threw';

interface Course {
  readonly actors: readonly (readonly Action[])[];
  readonly cellCount: number;
  readonly failures: readonly DecodeFailure[];
}

const anyAction: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('forward' as const),
      rows: fc.integer({ min: 1, max: ROW_COUNT_MAX }),
      outputs: fc.nat({ max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('aborted' as const),
      rows: fc.integer({ min: 1, max: ROW_COUNT_MAX }),
      after: fc.nat({ max: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('truncate' as const, 'fork' as const),
      cut: fc.nat({ max: 40 }),
    }),
  },
);

const anyCourse: fc.Arbitrary<Course> = fc.record({
  actors: fc.array(fc.array(anyAction, { minLength: 1, maxLength: 8, size: 'max' }), {
    minLength: 1,
    maxLength: 6,
    size: 'max',
  }),
  cellCount: fc.integer({ min: 40, max: 400 }),
  failures: fc.array(
    fc.oneof(
      { weight: 12, arbitrary: fc.constant('none' as const) },
      { weight: 1, arbitrary: fc.constantFrom('failed' as const, 'threw' as const) },
    ),
    { minLength: 1, maxLength: 40, size: 'max' },
  ),
});

type Breaking = (context: FakeContext) => void;

class ExecutorSimulation {
  readonly #scheduler: fc.Scheduler;
  readonly #course: Course;
  readonly #tally: Tally;
  readonly #bench = executorBench({ rowCountMax: ROW_COUNT_MAX });
  readonly #home: SequenceHome;
  readonly #free = Array.from({ length: SLOT_COUNT }, (_, slot) => slot);
  #actorCount = 0;
  #decodeCount = 0;

  constructor(scheduler: fc.Scheduler, course: Course, tally: Tally, breakIt?: Breaking) {
    this.#scheduler = scheduler;
    this.#course = course;
    this.#tally = tally;
    const { context, executor } = this.#bench;
    breakIt?.(context);
    context.during = (decode) => scheduler.schedule(Promise.resolve(), `decode ${decode}`);
    context.code = (parts) => this.#code(parts);
    this.#home = {
      executor,
      contextLength: 1e6,
      rowCountMax: ROW_COUNT_MAX,
      vocabularySize: VOCABULARY_SIZE,
      open: () => new LlamaCppSequence(this.#home, required(this.#free.shift(), 'a slot is free')),
      close: async (slot) => {
        await executor.change((given) => given.truncate(slot, 0));
        this.#free.push(slot);
      },
    };
  }

  async run(): Promise<void> {
    const actors = this.#course.actors.map((actions, actor) => this.#act(actor, actions));
    let ended = false;
    const all = Promise.all(actors).finally(() => {
      ended = true;
    });
    // Failures surface where the work is awaited.
    all.catch(() => undefined);
    for (let [idle, step] = [0, 0]; !ended; step += 1) {
      if (step > STEP_COUNT_MAX) throw new Error('a sequence is starved');
      await settle();
      if (this.#scheduler.count() > 0) {
        idle = 0;
        await this.#scheduler.waitNext(1);
      } else idle += 1;
      if (idle > 50) throw new Error('the actors wait, and nothing is under way');
    }
    await all;
    const { context, executor } = this.#bench;
    expect(this.#free).toHaveLength(SLOT_COUNT);
    await executor.close();
    expect(context.freedCount).toBe(1);
    this.#tally.add('shared batches', context.decodes.filter((rows) => rows.includes(' ')).length);
  }

  #code(parts: readonly BatchRows[]): number {
    const { cellCount, failures } = this.#course;
    const failure = failures[this.#decodeCount % failures.length];
    this.#decodeCount += 1;
    const { context } = this.#bench;
    const held = Array.from({ length: SLOT_COUNT }, (_, slot) => context.tokens(slot).length);
    const wanted = parts.reduce((sum, { tokens }) => sum + tokens.length, 0);
    if (held.reduce((sum, length) => sum + length, wanted) > cellCount) return DECODE_KV_FULL;
    if (failure === 'failed') return DECODE_FAILED;
    if (failure === 'threw') throw new PilotfishError('native-failed', 'the decode threw');
    return DECODE_OK;
  }

  /** One stream. It knows its own text, and no other. */
  async #act(actor: number, actions: readonly Action[]): Promise<void> {
    await using sequence = this.#home.open();
    const text: number[] = [];
    for (const action of actions) {
      await this.#scheduler.schedule(Promise.resolve(), `actor ${actor}`);
      if (action.kind === 'forward' || action.kind === 'aborted') {
        await this.#forward(sequence, text, action);
      } else if (action.kind === 'truncate') {
        text.length = Math.max(0, text.length - action.cut);
        await sequence.truncate(text.length);
      } else await this.#fork(sequence, text, action.cut);
      expect(sequence.length).toBe(text.length);
      expect(this.#bench.context.tokens(sequence.slot)).toEqual(text);
    }
  }

  async #fork(sequence: LlamaCppSequence, text: readonly number[], cut: number): Promise<void> {
    const length = Math.max(0, text.length - cut);
    await using copy = await sequence.fork(length);
    expect(copy.length).toBe(length);
    const own = text.slice(0, length);
    await this.#forward(copy, own, { kind: 'forward', rows: 3, outputs: 2 });
    this.#tally.add('forks');
  }

  /** Feeds and checks. Afterwards `text` is the contents of the sequence. */
  async #forward(sequence: LlamaCppSequence, text: number[], action: Feeding): Promise<void> {
    this.#actorCount += 1;
    const tokens = Array.from(
      { length: action.rows },
      (_, row) => (this.#actorCount + row * 7) % 97,
    );
    const outputs = action.kind === 'forward' ? Math.min(action.outputs, action.rows) : 1;
    const abort = new AbortController();
    if (action.kind === 'aborted') void this.#abortLater(abort, action.after);
    const outputFrom = action.rows - outputs;
    const request = { tokens: tokenIds(tokens), outputFrom, program: PROGRAM };
    try {
      const { rows } = await sequence.forward(request, abort.signal);
      text.push(...tokens);
      const expected = tokens
        .slice(outputFrom)
        .map((_, row) => choiceBehind(text.slice(0, text.length - outputs + row + 1)));
      expect(rows.map(({ tokenId: choice }) => choice)).toEqual(expected);
      this.#tally.add('done');
    } catch (error) {
      if (!PilotfishError.isInstance(error)) throw error;
      this.#tally.add(error.code);
      if (error.code === 'aborted') expect(abort.signal.aborted).toBe(true);
      // The reported contents are a prefix of the fed tokens.
      text.push(...tokens);
      text.length = Math.min(text.length, sequence.length);
    }
  }

  async #abortLater(abort: AbortController, after: number): Promise<void> {
    for (let turn = 0; turn <= after; turn += 1) {
      await this.#scheduler.schedule(Promise.resolve(), 'abort');
    }
    abort.abort();
  }
}

function choiceBehind(text: readonly number[]): number {
  return rowValue(text) % VOCABULARY_SIZE;
}

/** Lets every ready continuation run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('an executor under any schedule', () => {
  it('gives each stream the same rows as alone, or the right error', async () => {
    const tally = new Tally();
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), anyCourse, async (scheduler, course) => {
        await new ExecutorSimulation(scheduler, course, tally).run();
      }),
      { numRuns: runs(50, 400) },
    );
    if (RUNS_ARE_FULL) process.stdout.write(`${tally}\n`);
    if (!RUNS_ARE_FULL) return;
    const expected = {
      done: 500,
      aborted: 50,
      'kv-full': 30,
      'native-failed': 30,
      forks: 50,
      'shared batches': 200,
    };
    expect(tally.missing(expected)).toEqual([]);
  });

  it.each<{ name: string; breakIt: Breaking }>([
    {
      name: 'a fork that shares one token too few',
      breakIt: (context) => {
        const copy = context.copy.bind(context);
        context.copy = (source, target, length) => copy(source, target, length - 1);
      },
    },
    {
      name: 'a rollback that forgets one token',
      breakIt: (context) => {
        const truncate = context.truncate.bind(context);
        context.truncate = (slot, length) => truncate(slot, length === 0 ? 0 : length + 1);
      },
    },
    {
      name: 'a flag that stays up after a cancellation',
      breakIt: (context) => {
        const setAborted = context.setAborted.bind(context);
        context.setAborted = (aborted) => {
          if (aborted) setAborted(true);
        };
      },
    },
  ])('notices $name', async ({ breakIt }) => {
    const property = fc.asyncProperty(fc.scheduler(), anyCourse, async (scheduler, course) => {
      await new ExecutorSimulation(scheduler, course, new Tally(), breakIt).run();
    });
    const details = await fc.check(property, { numRuns: 150, endOnFailure: true });
    expect(details.failed).toBe(true);
    takeViolations();
  });
});
