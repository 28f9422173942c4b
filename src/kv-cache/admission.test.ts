import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvariantError } from '../core/invariant.ts';
import type { ModelRole } from '../core/model-id.ts';
import { Admission, type KvAmount, type KvAmounts } from './admission.ts';

const ROLES: readonly ModelRole[] = ['small', 'large'];

/** The cells that a request needs of the small and the large model, with one sequence each. */
const need = (small: number, large = 0): KvAmounts => ({
  ...(small > 0 ? { small: { cellCount: small, sequenceCount: 1 } } : {}),
  ...(large > 0 ? { large: { cellCount: large, sequenceCount: 1 } } : {}),
});

const admissionOf = (waitingCountMax = 100): Admission =>
  new Admission({
    capacity: {
      small: { cellCount: 100, sequenceCount: 4 },
      large: { cellCount: 100, sequenceCount: 4 },
    },
    waitingCountMax,
  });

/** Lets every ready continuation run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Admits requests in order. `started` names the admitted requests, `outcome` the result of each. */
function bench(waitingCountMax?: number) {
  const admission = admissionOf(waitingCountMax);
  const started: string[] = [];
  const releases = new Map<string, () => void>();
  const ask = (name: string, amounts: KvAmounts, signal?: AbortSignal): Promise<string> =>
    admission.admit(amounts, signal).then(
      (release) => {
        started.push(name);
        releases.set(name, release);
        return 'admitted';
      },
      (error: unknown) => (error as { code: string }).code,
    );
  const release = async (name: string): Promise<void> => {
    releases.get(name)?.();
    await settle();
  };
  return { admission, ask, release, started };
}

describe('Admission', () => {
  it('admits at once every request that fits, up to the last cell', async () => {
    const { admission, ask, started } = bench();
    await Promise.all([ask('a', need(60, 60)), ask('b', need(40, 40))]);
    expect(started).toEqual(['a', 'b']);
    expect(admission.admittedCount).toBe(2);
    expect(admission.waitingCount).toBe(0);
  });

  it('makes a request for one cell too many wait until enough are given back', async () => {
    const { admission, ask, release, started } = bench();
    void ask('a', need(60));
    void ask('b', need(41));
    await settle();
    expect(started).toEqual(['a']);
    expect(admission.waitingCount).toBe(1);
    await release('a');
    expect(started).toEqual(['a', 'b']);
    expect(admission.waitingCount).toBe(0);
    expect(admission.admittedCount).toBe(1);
  });

  it('makes a request for one sequence too many wait', async () => {
    const { ask, release, started } = bench();
    for (const name of ['a', 'b', 'c', 'd', 'e']) void ask(name, need(1));
    await settle();
    expect(started).toEqual(['a', 'b', 'c', 'd']);
    await release('c');
    expect(started).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('reserves nothing of one model for a request that waits for the other', async () => {
    const { ask, release, started } = bench();
    void ask('large', need(0, 100));
    void ask('both', need(100, 100));
    await settle();
    expect(started).toEqual(['large']);
    await release('large');
    expect(started).toEqual(['large', 'both']);
    void ask('small', need(1));
    await settle();
    expect(started).toHaveLength(2);
    await release('both');
    expect(started).toEqual(['large', 'both', 'small']);
  });

  it('lets no request overtake, even where the later request would fit', async () => {
    const { ask, release, started } = bench();
    void ask('a', need(50));
    void ask('b', need(51));
    void ask('c', need(1));
    void ask('d', need(0, 1));
    await settle();
    expect(started).toEqual(['a']);
    await release('a');
    expect(started).toEqual(['a', 'b', 'c', 'd']);
  });

  it('starts the waiting requests that fit, up to the first that does not', async () => {
    const { ask, release, started } = bench();
    void ask('a', need(100));
    for (const [name, cells] of Object.entries({ b: 30, c: 30, d: 50, e: 1 })) {
      void ask(name, need(cells));
    }
    await settle();
    await release('a');
    expect(started).toEqual(['a', 'b', 'c']);
  });

  it('counts a reservation that is given back twice only once', async () => {
    const { admission, ask, release, started } = bench();
    void ask('a', need(60));
    void ask('b', need(40));
    void ask('c', need(60));
    void ask('d', need(40));
    await settle();
    await release('b');
    await release('b');
    expect(started).toEqual(['a', 'b']);
    expect(admission.admittedCount).toBe(1);
    await release('a');
    expect(started).toEqual(['a', 'b', 'c', 'd']);
  });

  it('admits the next request where the one before it stops waiting', async () => {
    const { admission, ask, started } = bench();
    const controller = new AbortController();
    void ask('a', need(50));
    const outcome = ask('b', need(51), controller.signal);
    void ask('c', need(1));
    await settle();
    expect(started).toEqual(['a']);
    controller.abort();
    await expect(outcome).resolves.toBe('aborted');
    await settle();
    expect(started).toEqual(['a', 'c']);
    expect(admission.waitingCount).toBe(0);
  });

  it('removes only the request that stops waiting from the line', async () => {
    const { ask, release, started } = bench();
    const controller = new AbortController();
    void ask('a', need(100));
    void ask('b', need(100));
    const outcome = ask('c', need(1), controller.signal);
    void ask('d', need(1));
    controller.abort();
    await expect(outcome).resolves.toBe('aborted');
    await release('a');
    expect(started).toEqual(['a', 'b']);
    await release('b');
    expect(started).toEqual(['a', 'b', 'd']);
  });

  it('refuses a request that was cancelled earlier, though there is room', async () => {
    const { admission, ask } = bench();
    await expect(ask('a', need(1), AbortSignal.abort())).resolves.toBe('aborted');
    admission.checkIdle();
  });

  it('ignores a signal that fires after the admission', async () => {
    const { admission, ask, release, started } = bench();
    const controllers = [new AbortController(), new AbortController()];
    void ask('a', need(60), controllers[0]?.signal);
    void ask('b', need(60), controllers[1]?.signal);
    void ask('c', need(60));
    await settle();
    await release('a');
    for (const controller of controllers) controller.abort();
    await settle();
    expect(started).toEqual(['a', 'b']);
    expect(admission.admittedCount).toBe(1);
    expect(admission.waitingCount).toBe(1);
  });

  it('rejects with the reason of the cancellation, if it is a PilotfishError', async () => {
    const controller = new AbortController();
    const admission = admissionOf();
    await admission.admit(need(100));
    const waiting = admission.admit(need(1), controller.signal);
    const error = await admissionOf()
      .admit(need(101))
      .catch((reason: unknown) => reason);
    controller.abort(error);
    await expect(waiting).rejects.toBe(error);
  });

  it('refuses a request that can never fit, at once and with the numbers', async () => {
    const admission = admissionOf();
    await admission.admit(need(100, 100));
    await expect(admission.admit(need(1, 101))).rejects.toMatchObject({
      code: 'kv-full',
      message: 'The request needs 101 positions in the cache of large, which has 100.',
      // Without a limit of tokens a request takes the whole context, for each of its samples.
      remedy: 'Ask for fewer tokens (--max-tokens) or fewer samples, or give a larger --context.',
      fields: { model: 'large', needed: 101, capacity: 100 },
    });
    expect(admission.waitingCount).toBe(0);
  });

  it('says that sequences are missing where positions suffice', async () => {
    const asked = { small: { cellCount: 10, sequenceCount: 5 } };
    await expect(admissionOf().admit(asked)).rejects.toMatchObject({
      code: 'kv-full',
      message: 'The request needs 5 sequences in the cache of small, which has 4.',
      fields: { model: 'small', needed: 5, capacity: 4 },
    });
  });

  it('has no room in a model that it was not given', async () => {
    const capacity = { large: { cellCount: 9, sequenceCount: 1 } };
    const admission = new Admission({ capacity, waitingCountMax: 1 });
    await expect(admission.admit(need(1, 1))).rejects.toMatchObject({
      code: 'kv-full',
      fields: { model: 'small', capacity: 0 },
    });
    await expect(admission.admit(need(0, 9))).resolves.toBeTypeOf('function');
  });

  it('refuses a request that would wait past the limit', async () => {
    const { admission, ask, release, started } = bench(2);
    for (const name of ['a', 'b', 'c']) void ask(name, need(100));
    await expect(admission.admit(need(1))).rejects.toMatchObject({
      code: 'engine-busy',
      message: '2 requests already wait.',
      fields: { waitingCountMax: 2 },
    });
    await release('a');
    void ask('d', need(1));
    await settle();
    for (const name of ['b', 'c']) await release(name);
    expect(started).toEqual(['a', 'b', 'c', 'd']);
  });

  it('is free for the next request after one that failed and gave its cells back', async () => {
    const { admission, ask, started } = bench();
    const work = async (): Promise<never> => {
      const release = await admission.admit(need(100, 100));
      try {
        await settle();
        throw new Error('the request failed');
      } finally {
        release();
      }
    };
    const failed = expect(work()).rejects.toThrow('the request failed');
    await ask('next', need(100, 100));
    await failed;
    expect(started).toEqual(['next']);
    expect(admission.admittedCount).toBe(1);
  });

  it('tells the free cells and sequences', async () => {
    const { admission, ask, release } = bench();
    void ask('a', need(60, 30));
    await settle();
    expect(admission.free('small')).toEqual({ cellCount: 40, sequenceCount: 3 });
    expect(admission.free('large')).toEqual({ cellCount: 70, sequenceCount: 3 });
    await release('a');
    expect(admission.free('small')).toEqual({ cellCount: 100, sequenceCount: 4 });
    const only = new Admission({ capacity: {}, waitingCountMax: 0 });
    expect(only.free('large')).toEqual({ cellCount: 0, sequenceCount: 0 });
  });

  it('readmits a preempted request before all that wait, even past their limit', async () => {
    const { admission, ask, release, started } = bench(1);
    void ask('a', need(60));
    void ask('b', need(50));
    const back = admission.admit(need(70), undefined, { first: true });
    void back.then(() => started.push('back'));
    await settle();
    expect(admission.waitingCount).toBe(2);
    await release('a');
    expect(started).toEqual(['a', 'back']);
    (await back)();
    await settle();
    expect(started).toEqual(['a', 'back', 'b']);
  });

  it('readmits a preempted request at once where it fits, though others wait', async () => {
    const { admission, ask } = bench();
    void ask('a', need(60));
    void ask('b', need(50));
    await admission.admit(need(40), undefined, { first: true });
    expect(admission.waitingCount).toBe(1);
  });

  it('reserves more for a running request, past the capacity, and admits none beside it', async () => {
    const { admission, ask, release, started } = bench();
    void ask('a', need(60));
    await settle();
    const giveBack = admission.reserveMore({ small: { cellCount: 50, sequenceCount: 0 } });
    expect(admission.free('small')).toEqual({ cellCount: -10, sequenceCount: 3 });
    expect(admission.admittedCount).toBe(1);
    void ask('b', need(1));
    await settle();
    expect(started).toEqual(['a']);
    giveBack();
    giveBack();
    await settle();
    expect(started).toEqual(['a', 'b']);
    await release('a');
    await release('b');
    admission.checkIdle();
    expect(admission.free('small').cellCount).toBe(100);
  });

  it('is idle only when every reservation was given back', async () => {
    const admission = admissionOf();
    admission.checkIdle();
    const release = await admission.admit(need(1));
    expect(() => admission.checkIdle()).toThrow(InvariantError);
    release();
    admission.checkIdle();
  });
});

interface Asked {
  readonly amounts: KvAmounts;
  readonly first: boolean;
  readonly controller: AbortController;
  outcome: string | null;
  expected: string;
  release: (() => void) | null;
}

type Command =
  | { readonly kind: 'ask'; readonly amounts: KvAmounts; readonly first: boolean }
  | { readonly kind: 'release' | 'abort'; readonly which: number }
  | { readonly kind: 'settle' };

const CAPACITY: Readonly<Record<ModelRole, KvAmount>> = {
  small: { cellCount: 20, sequenceCount: 3 },
  large: { cellCount: 12, sequenceCount: 4 },
};

const amount = (most: KvAmount): fc.Arbitrary<KvAmount> =>
  fc.record({
    // Sometimes one more than the capacity.
    cellCount: fc.integer({ min: 0, max: most.cellCount + 1 }),
    sequenceCount: fc.integer({ min: 0, max: 2 }),
  });

const asking: fc.Arbitrary<Command> = fc.record({
  kind: fc.constant('ask'),
  /** Whether it was admitted before, and preempted. */
  first: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
  amounts: fc.record(
    { small: amount(CAPACITY.small), large: amount(CAPACITY.large) },
    { requiredKeys: [] },
  ),
});
const ending: fc.Arbitrary<Command> = fc.record({
  kind: fc.constantFrom('release', 'abort'),
  which: fc.nat({ max: 9 }),
});
const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: asking },
    { weight: 4, arbitrary: ending },
    { weight: 3, arbitrary: fc.constant({ kind: 'settle' }) },
  ),
  { maxLength: 60 },
);

/** The same rules, written as plainly as possible: a line, and the set of admitted requests. */
class Rules {
  readonly line: Asked[] = [];
  readonly inside = new Set<Asked>();
  readonly order: Asked[] = [];
  readonly #waitingCountMax: number;

  constructor(waitingCountMax: number) {
    this.#waitingCountMax = waitingCountMax;
  }

  ask(asked: Asked): void {
    const fitsNow = this.#fits([...this.inside, asked]);
    const mustWait = this.line.length > 0 || !fitsNow;
    if (!this.#fits([asked])) asked.expected = 'kv-full';
    else if (asked.first && fitsNow) this.#letIn(asked);
    else if (asked.first) this.line.unshift(asked);
    else if (mustWait && this.line.length >= this.#waitingCountMax) asked.expected = 'engine-busy';
    else this.line.push(asked);
    this.#advance();
  }

  release(asked: Asked): void {
    this.inside.delete(asked);
    this.#advance();
  }

  abort(asked: Asked): void {
    const index = this.line.indexOf(asked);
    if (index < 0) return;
    this.line.splice(index, 1);
    asked.expected = 'aborted';
    this.#advance();
  }

  #advance(): void {
    for (let next = this.line[0]; next !== undefined; next = this.line[0]) {
      if (!this.#fits([...this.inside, next])) return;
      this.line.shift();
      this.#letIn(next);
    }
  }

  #letIn(asked: Asked): void {
    this.inside.add(asked);
    this.order.push(asked);
  }

  #fits(all: readonly Asked[]): boolean {
    return ROLES.every((role) =>
      (['cellCount', 'sequenceCount'] as const).every((key) => {
        const sum = all.reduce((total, { amounts }) => total + (amounts[role]?.[key] ?? 0), 0);
        return sum <= CAPACITY[role][key];
      }),
    );
  }
}

/** Sends the same commands to an admission and to the rules. */
class Trial {
  readonly admission: Admission;
  readonly rules: Rules;
  readonly everybody: Asked[] = [];
  /** The admitted requests, in the order in which they learned of it. */
  readonly order: Asked[] = [];

  constructor(waitingCountMax: number) {
    this.admission = new Admission({ capacity: CAPACITY, waitingCountMax });
    this.rules = new Rules(waitingCountMax);
  }

  async run(command: Command): Promise<void> {
    if (command.kind === 'settle') return await settle();
    if (command.kind === 'ask') return this.#ask(command.amounts, command.first);
    // One of the last few: earlier requests have ended.
    const asked = this.everybody.at(-1 - command.which);
    if (asked === undefined) return;
    if (command.kind === 'release') this.release(asked);
    else {
      this.rules.abort(asked);
      asked.controller.abort();
    }
  }

  release(asked: Asked): void {
    if (asked.release === null) return;
    this.rules.release(asked);
    asked.release();
  }

  #ask(amounts: KvAmounts, first: boolean): void {
    const controller = new AbortController();
    const asked: Asked = {
      amounts,
      first,
      controller,
      outcome: null,
      expected: 'admitted',
      release: null,
    };
    this.everybody.push(asked);
    this.rules.ask(asked);
    this.admission.admit(amounts, controller.signal, { first }).then(
      (release) => {
        this.order.push(asked);
        asked.outcome = 'admitted';
        asked.release = release;
      },
      (error: unknown) => {
        asked.outcome = (error as { code: string }).code;
      },
    );
  }
}

describe('admission after any series of requests, cancellations and ends', () => {
  it('admits the requests of the plain rules in their order, and is idle at the end', async () => {
    await fc.assert(
      fc.asyncProperty(commands, fc.integer({ min: 0, max: 6 }), async (list, waitingCountMax) => {
        const trial = new Trial(waitingCountMax);
        const { admission, rules, everybody } = trial;
        const check = (): void => {
          expect(admission.waitingCount).toBe(rules.line.length);
          expect(admission.admittedCount).toBe(rules.inside.size);
        };
        for (const command of list) {
          await trial.run(command);
          check();
        }
        for (let round = 0; rules.inside.size > 0; round += 1) {
          expect(round).toBeLessThanOrEqual(list.length);
          await settle();
          for (const asked of [...rules.inside]) trial.release(asked);
          check();
        }
        await settle();
        expect(trial.order).toEqual(rules.order);
        expect(everybody.map(({ outcome }) => outcome)).toEqual(
          everybody.map(({ expected }) => expected),
        );
        admission.checkIdle();
      }),
      { numRuns: 300 },
    );
  });
});
