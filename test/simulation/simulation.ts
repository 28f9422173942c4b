/**
 * A whole engine over scripted models, with a scheduler that chooses the forward or the reader that
 * continues next, and a clock that advances one step per decision. Unscheduled work runs at once, so a
 * run depends only on its plan and its schedule.
 */
import type fc from 'fast-check';
import { expect } from 'vitest';
import { PilotfishError } from '../../src/core/errors.ts';
import type { EngineEvent } from '../../src/core/events.ts';
import { InvariantError, required } from '../../src/core/invariant.ts';
import type { ModelRole } from '../../src/core/model-id.ts';
import { Engine } from '../../src/engine/engine.ts';
import { type Bend, type FailureKind, ObservedModel } from './observed-model.ts';
import type { Plan, RequestPlan } from './plan.ts';
import { Alone, generateRequest, type Written, written } from './requests.ts';
import { scriptedModel } from './scripted-pair.ts';
import type { Tally } from './tally.ts';

const ROLES: readonly ModelRole[] = ['small', 'large'];
/** Far more steps than any plan needs. A request that has not ended by then never will. */
const STEP_COUNT_MAX = 20_000;
/** The number of requests that are continued afterwards with their own text as the prompt. */
const CONTINUED_COUNT = 4;

type Outcome = 'done' | 'left' | 'bug' | string;

interface Ended extends Written {
  readonly plan: RequestPlan;
  readonly outcome: Outcome;
  readonly error: unknown;
}

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** Runs a plan and checks it: rejects with what is wrong. */
export async function simulate(
  scheduler: fc.Scheduler,
  plan: Plan,
  tally: Tally,
  bend: Bend = {},
): Promise<void> {
  await new Simulation(scheduler, plan, tally, bend).run();
}

class Simulation {
  readonly #scheduler: fc.Scheduler;
  readonly #plan: Plan;
  readonly #tally: Tally;
  readonly #models: Readonly<Record<ModelRole, ObservedModel>>;
  readonly #engine: Engine;
  readonly #alone: Alone;
  readonly #forwardCounts = { small: 0, large: 0 };
  /** Counts of the failures that really happened. */
  readonly #failed: Record<FailureKind, number> = {
    'native-failed': 0,
    invariant: 0,
    'kv-full': 0,
    none: 0,
  };
  readonly #ended: Ended[] = [];
  #timers: Timer[] = [];
  #step = 0;
  #eventCount = 0;
  #fullCount = 0;
  #isClosed = false;
  /** From here on no work is scheduled and no forward fails. */
  #isOver = false;

  constructor(scheduler: fc.Scheduler, plan: Plan, tally: Tally, bend: Bend) {
    this.#scheduler = scheduler;
    this.#plan = plan;
    this.#tally = tally;
    this.#alone = new Alone(plan.engine);
    const model = (role: ModelRole): ObservedModel => this.#model(role, bend);
    this.#models = { small: model('small'), large: model('large') };
    const { requestCountMax, overcommit, speculative, steps, samples } = plan.engine;
    this.#engine = new Engine({
      models: this.#models,
      requestCountMax,
      overcommit,
      speculative,
      ...{ steps, samples },
      clock: { nowMs: () => this.#step },
    });
  }

  async run(): Promise<void> {
    for (const request of this.#plan.requests) {
      this.#at(request.arrivesAt, () => void this.#read(request));
    }
    const { closing } = this.#plan;
    if (closing !== null) this.#at(closing.at, () => this.#close(closing.what));
    await this.#untilAllEnded();
    this.#isOver = true;
    for (const ended of this.#ended) await this.#judge(ended);
    this.#judgeFailures();
    expect(this.#engine.load).toEqual({ runningCount: 0, waitingCount: 0 });
    await this.#engine.checkIdle();
    if (!this.#isClosed) await this.#continueSome();
    await this.#engine.close();
  }

  async #untilAllEnded(): Promise<void> {
    const { bursts, requests } = this.#plan;
    for (let turn = 0; ; turn += 1) {
      const due = this.#timers.filter(({ at }) => at <= this.#step);
      this.#timers = this.#timers.filter(({ at }) => at > this.#step);
      for (const { run } of due) run();
      await settle();
      await this.#checkStep();
      if (this.#ended.length === requests.length) return;
      if (this.#step > STEP_COUNT_MAX) throw new Error('a request is starved');
      const waiting = this.#scheduler.count();
      if (waiting > 0) {
        const burst = required(bursts[turn % bursts.length], 'there is a burst');
        await this.#scheduler.waitNext(Math.min(burst, waiting));
        this.#step += 1;
      } else this.#step = this.#nextTimer();
    }
  }

  #nextTimer(): number {
    if (this.#timers.length > 0) return Math.min(...this.#timers.map(({ at }) => at));
    const waiting = this.#plan.requests.length - this.#ended.length;
    throw new Error(`${waiting} requests wait for each other, nothing else is under way`);
  }

  /** Checks the invariants that hold at any time. */
  async #checkStep(): Promise<void> {
    const { requestCountMax, sequenceCountMax } = this.#plan.engine;
    const { runningCount, waitingCount } = this.#engine.load;
    // The limit holds for each model: requests that need only one of them run beside each other.
    const most = Math.min(requestCountMax, sequenceCountMax);
    expect(runningCount).toBeLessThanOrEqual(ROLES.length * most);
    // A request that is being preempted still runs while it already waits to be readmitted.
    const countMax = this.#plan.requests.length * (this.#mayPreempt() ? 2 : 1);
    expect(runningCount + waitingCount).toBeLessThanOrEqual(countMax);
    if (waitingCount > 0) this.#tally.add('steps with a queue');
    if (this.#plan.engine.overcommit > 1) return;
    for (const role of ROLES) {
      // Reserved and cached cells together. A fork counts its shared cells again, but they are reserved.
      const { facts } = this.#models[role];
      const held = await this.#models[role].countCachedTokens();
      expect(held).toBeLessThanOrEqual(facts.cellCount);
    }
  }

  #mayPreempt(): boolean {
    const { engine, failures } = this.#plan;
    return engine.overcommit > 1 || failures.some(({ kind }) => kind === 'kv-full');
  }

  #model(role: ModelRole, bend: Bend): ObservedModel {
    const { contextLength, extraCellCount, rowCountMax, sequenceCountMax } = this.#plan.engine;
    const inner = scriptedModel(role, {
      contextLength: contextLength[role],
      cellCount: contextLength[role] + extraCellCount[role],
      rowCountMax,
      sequenceCountMax,
    });
    return new ObservedModel(
      inner,
      {
        beforeForward: () => this.#beforeForward(role),
        afterKvFull: () => {
          this.#fullCount += 1;
          this.#tally.add('a full cache');
        },
      },
      bend,
    );
  }

  async #beforeForward(role: ModelRole): Promise<FailureKind> {
    if (this.#isOver) return 'none';
    const forward = this.#forwardCounts[role];
    this.#forwardCounts[role] += 1;
    await this.#scheduler.schedule(Promise.resolve(), `${role} forward ${forward}`);
    const failure = this.#plan.failures.find(
      (candidate) => candidate.role === role && candidate.forward === forward,
    );
    if (failure === undefined) return 'none';
    this.#failed[failure.kind] += 1;
    return failure.kind;
  }

  async #read(plan: RequestPlan): Promise<void> {
    const abort = new AbortController();
    const events: EngineEvent[] = [];
    let outcome: Outcome = 'done';
    let caught: unknown = null;
    this.#planTrouble(plan, abort);
    try {
      const stream = this.#engine.generate(generateRequest(plan, abort.signal));
      if (!(await this.#pullAll(plan, stream, events))) outcome = 'left';
    } catch (error) {
      caught = error;
      outcome = PilotfishError.isInstance(error) ? error.code : 'bug';
    }
    this.#ended.push({ plan, outcome, error: caught, ...written(events) });
  }

  #planTrouble({ trouble }: RequestPlan, abort: AbortController): void {
    if (trouble.kind !== 'abort' && trouble.kind !== 'deadline') return;
    // The reason of a signal by `AbortSignal.timeout`.
    const late = new DOMException('The operation timed out.', 'TimeoutError');
    const reason = trouble.kind === 'deadline' ? late : undefined;
    this.#at(this.#step + trouble.after, () => abort.abort(reason));
  }

  /** @returns whether the run was read to its end */
  async #pullAll(
    { trouble, arrivesAt }: RequestPlan,
    stream: AsyncGenerator<EngineEvent, void>,
    events: EngineEvent[],
  ): Promise<boolean> {
    let isRested = false;
    for (;;) {
      await this.#scheduler.schedule(Promise.resolve(), `reader of ${arrivesAt}`);
      if (trouble.kind === 'leave' && events.length >= trouble.events) {
        await stream.return();
        return false;
      }
      if (trouble.kind === 'slow' && events.length >= trouble.events && !isRested) {
        isRested = true;
        await this.#rest(trouble.steps);
      }
      const { done, value } = await stream.next();
      if (done === true) return true;
      this.#eventCount += 1;
      events.push(value);
    }
  }

  /** A reader that stops reading while the others continue. */
  async #rest(steps: number): Promise<void> {
    const before = this.#eventCount;
    await new Promise<void>((resolve) => this.#at(this.#step + steps, resolve));
    this.#tally.add('slow readers');
    this.#tally.add('events beside a slow reader', this.#eventCount - before);
  }

  #close(what: 'engine' | 'large'): void {
    this.#isClosed = true;
    this.#tally.add(`closed ${what}`);
    const closing = what === 'engine' ? this.#engine.close() : this.#models.large;
    if (closing === this.#models.large) void this.#models.large[Symbol.asyncDispose]();
  }

  async #judge(ended: Ended): Promise<void> {
    const { plan, outcome, ids, summary } = ended;
    const alone = await this.#alone.writes(plan);
    this.#tally.add(`ended: ${outcome}`);
    if (outcome !== 'done') {
      expect(ids, 'a prefix of what it writes alone').toEqual(alone.ids.slice(0, ids.length));
      this.#judgeOutcome(ended);
      return;
    }
    const { text, finishReason, notes, queuedMs, reusedRowCount } = required(summary, 'a summary');
    expect(ids).toEqual(alone.ids);
    expect({ text, finishReason }).toEqual({
      text: alone.summary.text,
      finishReason: alone.summary.finishReason,
    });
    expect(reusedRowCount).toBeLessThan(plan.prompt.length);
    if (reusedRowCount > 0) {
      expect(plan.reusePrefix).toBe(true);
      this.#tally.add('reused a prefix');
    }
    if (queuedMs > 0) this.#tally.add('queued');
    this.#judgeNotes(notes);
  }

  /** Checks that a preempted request was preempted only once. */
  #judgeNotes(notes: readonly string[]): void {
    const times = notes.map(
      (note) => /was preempted for other requests (\d+) times?/.exec(note)?.[1],
    );
    const count = Number(times.find((found) => found !== undefined) ?? 0);
    if (count > 0) this.#tally.add('preempted');
    if (this.#failed['kv-full'] === 0) expect(count).toBeLessThanOrEqual(1);
  }

  /** Only a planned fault may end a request, and the error must name it. */
  #judgeOutcome({ plan: { trouble, strategy }, outcome, error }: Ended): void {
    const happened: Readonly<Record<string, boolean>> = {
      left: trouble.kind === 'leave',
      aborted: trouble.kind === 'abort' || trouble.kind === 'deadline',
      disposed: this.#isClosed && (this.#plan.closing?.what === 'engine' || strategy !== 'small'),
      'native-failed': this.#failed['native-failed'] > 0,
      'kv-full': this.#failed['kv-full'] > 0,
      bug: this.#failed.invariant > 0 && error instanceof InvariantError,
    };
    if (happened[outcome] !== true) throw error;
    if (trouble.kind === 'deadline' && outcome === 'aborted') {
      expect(error).toMatchObject({ cause: { name: 'TimeoutError' } });
      this.#tally.add('deadlines');
    }
  }

  /**
   * Checks that every failure ends one request, its own, and that a request with a worst-case
   * reservation never finds a cache full.
   */
  #judgeFailures(): void {
    const endedBy = (outcome: Outcome): number =>
      this.#ended.filter((ended) => ended.outcome === outcome).length;
    // Finished work is reported before the failure. In between, a reader may leave or abort.
    const failed = this.#failed['native-failed'] + this.#failed.invariant;
    const told = endedBy('native-failed') + endedBy('bug');
    expect(told).toBeLessThanOrEqual(failed);
    const gone = endedBy('left') + endedBy('aborted');
    // A request ends once, by one of its branches' failures, whatever becomes of the others.
    const ended = told + gone + endedBy('kv-full') + endedBy('disposed');
    if (this.#plan.branches) expect(ended).toBeGreaterThanOrEqual(Math.min(1, failed));
    else expect(told).toBeGreaterThanOrEqual(failed - gone);
    expect(endedBy('kv-full')).toBeLessThanOrEqual(this.#failed['kv-full']);
    this.#tally.add('simulated full caches', this.#failed['kv-full']);
    if (this.#plan.engine.overcommit === 1) expect(this.#fullCount).toBe(0);
  }

  /** Checks that the caches hold the texts that the ended requests really read. */
  async #continueSome(): Promise<void> {
    const { contextLength } = this.#plan.engine;
    const room = Math.min(contextLength.small, contextLength.large);
    for (const { plan, summary, ids } of this.#ended.slice(-CONTINUED_COUNT)) {
      const answer = summary?.text ?? ids.map((id) => 'abcdefghijk'[id] ?? '').join('');
      const prompt = (plan.prompt + answer).slice(0, room - 2);
      for (const strategy of ROLES) {
        const next = { ...plan, prompt, strategy, maxTokens: 3, reusePrefix: true };
        const events: EngineEvent[] = [];
        for await (const event of this.#engine.generate(generateRequest(next))) events.push(event);
        const { ids: continued, summary: ending } = written(events);
        expect(continued).toEqual((await this.#alone.writes(next)).ids);
        if ((ending?.reusedRowCount ?? 0) > 0) this.#tally.add('continued from a cache');
      }
    }
    await this.#engine.checkIdle();
  }

  #at(at: number, run: () => void): void {
    this.#timers.push({ at, run });
  }
}

/** Lets every ready continuation run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
