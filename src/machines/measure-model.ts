/**
 * Measures the costs of a model's forwards on this machine, with the device to itself. Forwards of
 * all shapes are interleaved, so that a busy moment does not fall on one shape alone. The median of
 * each shape counts, because runs consist of ordinary forwards and not of the fastest ones.
 */
import type { Clock } from '../core/clock.ts';
import { systemClock } from '../core/clock.ts';
import { throwIfAborted } from '../core/errors.ts';
import type { Progressing } from '../core/progress.ts';
import { GREEDY } from '../core/sampling-params.ts';
import { tokenId } from '../core/token-id.ts';
import type { LanguageModel, Sequence } from '../model/roles.ts';
import type { MeasuredModel } from './machine-profile.ts';
import { measureReadings } from './measure-readings.ts';

/** The shapes to measure, and the number of their measurements. */
export interface MeasurePlan {
  readonly decodeRowCounts: readonly number[];
  readonly prefillRowCounts: readonly number[];
  /** Measured a second time, with `farTokenCount` tokens in the cache. */
  readonly attentionRowCounts: readonly number[];
  /** The tokens in the cache while measuring: attention over them is part of a forward. */
  readonly nearTokenCount: number;
  readonly farTokenCount: number;
  /**
   * How often a pass measures a single decoded row, spread over the pass. Everything else is compared
   * with this row, and it shows whether the machine is quiet if there is time for only one pass.
   */
  readonly singleRowCount: number;
  /** The number of measurements of every shape; slow shapes get fewer. */
  readonly repeatCountMax: number;
  readonly repeatCountMin: number;
  /** No pass over all shapes begins if it would end later than this. */
  readonly budgetMs: number;
}

/** For a model that is being opened: the shapes that speculation chooses among, in a second or two. */
export const QUICK_PLAN: MeasurePlan = {
  decodeRowCounts: [1, 2, 3, 4, 6, 9],
  prefillRowCounts: [16],
  attentionRowCounts: [],
  nearTokenCount: 64,
  farTokenCount: 64,
  singleRowCount: 5,
  repeatCountMax: 5,
  repeatCountMin: 1,
  budgetMs: 1500,
};

/** The plan of `bench steps`, which takes its time. */
export const FULL_PLAN: MeasurePlan = {
  decodeRowCounts: [1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32],
  prefillRowCounts: [1, 2, 4, 8, 16, 32, 64, 128, 256],
  attentionRowCounts: [1, 16, 64],
  nearTokenCount: 64,
  farTokenCount: 512,
  singleRowCount: 1,
  repeatCountMax: 7,
  repeatCountMin: 3,
  budgetMs: Number.POSITIVE_INFINITY,
};

/** A forward that takes longer is repeated `repeatCountMin` times only. */
const SLOW_MS = 400;
/**
 * If a single row takes less than this, every shape runs once more before it is timed. The library
 * prepares a forward anew if its shape differs from the last one, which takes some tenths of a
 * millisecond, and real runs mostly repeat shapes.
 */
const TINY_MS = 5;

/** Forwards of one shape that differ by more than this show that the machine had other work. */
export const QUIET_SPREAD_MAX = 0.15;
/** The spread if no shape was measured twice: nothing shows that the machine was quiet. */
const SPREAD_UNKNOWN = 1;

export interface MeasureOptions extends Progressing {
  readonly clock?: Clock | undefined;
  /** The date of the measurement. Default: now. */
  readonly date?: Date | undefined;
}

/** A model with the setting that a measurement records. */
export type MeasurableModel = LanguageModel & { readonly threadCount: number };

/** @throws PilotfishError `aborted`, and the errors of forwards */
export async function measureModel(
  model: MeasurableModel,
  plan: MeasurePlan,
  options: MeasureOptions = {},
): Promise<MeasuredModel> {
  await using meter = new ForwardMeter(model, plan, options);
  await meter.measure();
  return {
    model: model.facts.name,
    weightBytes: model.facts.weightBytes,
    threadCount: model.threadCount,
    measuredAt: (options.date ?? new Date()).toISOString(),
    isQuick: plan === QUICK_PLAN,
    readingMs: measureReadings(model.vocabulary.size, options.clock),
    ...meter.results(),
  };
}

interface Shape {
  readonly rowCount: number;
  readonly hasOutputs: boolean;
  readonly isFar: boolean;
}

interface Timed extends Shape {
  readonly computeMs: number[];
  readonly overheadMs: number[];
  /** The time of the warm-up forward: slow shapes are repeated less. */
  warmMs: number;
}

type Curves = Pick<
  MeasuredModel,
  'cachedTokenCount' | 'decode' | 'prefill' | 'attention' | 'overheadMs' | 'spread'
>;

/** One sequence that is fed and cut back. */
class ForwardMeter implements AsyncDisposable {
  readonly #model: LanguageModel;
  readonly #plan: MeasurePlan;
  readonly #options: MeasureOptions;
  readonly #clock: Clock;
  readonly #sequence: Sequence;
  readonly #nearTokenCount: number;
  readonly #farTokenCount: number;
  readonly #shapes: readonly Timed[];
  #done = 0;

  constructor(model: LanguageModel, plan: MeasurePlan, options: MeasureOptions) {
    const { rowCountMax, contextLength } = model.facts;
    const fits = (count: number): boolean => count <= rowCountMax && count < contextLength;
    const shapes = shapesOf(plan).filter(({ rowCount }) => fits(rowCount));
    const room = contextLength - Math.max(0, ...shapes.map(({ rowCount }) => rowCount));
    this.#model = model;
    this.#plan = plan;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#nearTokenCount = Math.min(plan.nearTokenCount, room);
    this.#farTokenCount = Math.min(plan.farTokenCount, room);
    const hasFar = this.#farTokenCount > this.#nearTokenCount;
    this.#shapes = shapes
      .filter(({ isFar }) => hasFar || !isFar)
      .map((shape) => ({ ...shape, computeMs: [], overheadMs: [], warmMs: 0 }));
    this.#sequence = model.openSequence();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sequence[Symbol.asyncDispose]();
  }

  async measure(): Promise<void> {
    await this.#fill(this.#nearTokenCount);
    await this.#passes(this.#shapes.filter(({ isFar }) => !isFar));
    // One sequence only: a second one's cells would be attended to as well.
    const far = this.#shapes.filter(({ isFar }) => isFar);
    if (far.length === 0) return;
    await this.#fill(this.#farTokenCount);
    await this.#passes(far);
  }

  results(): Curves {
    const near = this.#shapes.filter(({ isFar }) => !isFar);
    const points = (hasOutputs: boolean): Curves['decode'] =>
      levelled(near.filter((shape) => shape.hasOutputs === hasOutputs));
    return {
      cachedTokenCount: this.#nearTokenCount,
      decode: points(true),
      prefill: points(false),
      attention: this.#attention(near),
      overheadMs: median(near.flatMap(({ overheadMs }) => overheadMs)),
      spread: spreadOf(this.#shapes),
    };
  }

  #attention(near: readonly Timed[]): Curves['attention'] {
    const apart = this.#farTokenCount - this.#nearTokenCount;
    // A slope is the difference of two noisy times, but more rows never attend less.
    let most = 0;
    return this.#shapes.flatMap(({ isFar, rowCount, computeMs }) => {
      const other = near.find((shape) => !shape.hasOutputs && shape.rowCount === rowCount);
      if (!isFar || other === undefined) return [];
      const ms = (Math.min(...computeMs) - Math.min(...other.computeMs)) / apart;
      most = Math.max(most, ms);
      return [{ rowCount, msPerCachedToken: most }];
    });
  }

  /** Repeats as often as the plan requires and its budget allows. */
  async #passes(shapes: readonly Timed[]): Promise<void> {
    const started = this.#clock.nowMs();
    const order = passOrder(shapes, this.#plan.singleRowCount);
    for (let pass = 0; pass <= this.#plan.repeatCountMax; pass += 1) {
      const passStarted = this.#clock.nowMs();
      for (const shape of pass === 0 ? shapes : order) {
        if (this.#wants(shape, pass)) await this.#time(shape, pass);
        this.#report();
      }
      const now = this.#clock.nowMs();
      const isEnough = pass >= this.#plan.repeatCountMin;
      if (isEnough && now + (now - passStarted) - started > this.#plan.budgetMs) return;
    }
  }

  #wants(shape: Timed, pass: number): boolean {
    // A quick plan warms up with one row alone, because a pass over all shapes is a large part of its
    // budget.
    if (pass === 0 && this.#plan.repeatCountMin < 2) return isSingleRow(shape);
    return pass <= this.#plan.repeatCountMin || shape.warmMs < SLOW_MS;
  }

  async #time(shape: Timed, pass: number): Promise<void> {
    throwIfAborted(this.#options.signal);
    const length = shape.isFar ? this.#farTokenCount : this.#nearTokenCount;
    if (pass > 0 && this.#isTiny()) {
      await this.#feed(shape.rowCount, shape.hasOutputs);
      await this.#sequence.truncate(length);
    }
    const started = this.#clock.nowMs();
    const computeMs = await this.#feed(shape.rowCount, shape.hasOutputs);
    const overheadMs = Math.max(0, this.#clock.nowMs() - started - computeMs);
    await this.#sequence.truncate(length);
    // The first pass warms caches up and does not count.
    if (pass === 0) shape.warmMs = computeMs;
    else {
      shape.computeMs.push(computeMs);
      shape.overheadMs.push(overheadMs);
    }
  }

  #isTiny(): boolean {
    const single = this.#shapes.find(isSingleRow);
    return single !== undefined && single.warmMs < TINY_MS;
  }

  async #fill(length: number): Promise<void> {
    while (this.#sequence.length < length) {
      const missing = length - this.#sequence.length;
      throwIfAborted(this.#options.signal);
      await this.#feed(Math.min(missing, this.#model.facts.rowCountMax), false);
    }
  }

  async #feed(rowCount: number, hasOutputs: boolean): Promise<number> {
    const { size } = this.#model.vocabulary;
    const tokens = Array.from({ length: rowCount }, (_, row) => tokenId((row * 7 + 11) % size));
    const program = {
      vocabularySize: size,
      sampling: GREEDY,
      seed: 0,
      purpose: 'sample' as const,
    };
    const outputFrom = hasOutputs ? 0 : rowCount;
    const { computeMs } = await this.#sequence.forward({ tokens, outputFrom, program });
    return computeMs;
  }

  #forwardCountMax(): number {
    const { repeatCountMax, singleRowCount } = this.#plan;
    const more = this.#shapes.some(isSingleRow) ? singleRowCount - 1 : 0;
    return this.#shapes.length + (this.#shapes.length + more) * repeatCountMax;
  }

  #report(): void {
    this.#done += 1;
    this.#options.onProgress?.({
      label: `Measuring step costs of ${this.#model.facts.name}`,
      done: this.#done,
      total: this.#forwardCountMax(),
      unit: 'steps',
    });
  }
}

function shapesOf(plan: MeasurePlan): Shape[] {
  const shape =
    (hasOutputs: boolean, isFar: boolean) =>
    (rowCount: number): Shape => ({ rowCount, hasOutputs, isFar });
  return [
    ...plan.decodeRowCounts.map(shape(true, false)),
    ...plan.prefillRowCounts.map(shape(false, false)),
    ...plan.attentionRowCounts.map(shape(false, true)),
  ];
}

/**
 * The median of each shape. More rows never cost less: a shape that is slower than a wider one was
 * disturbed.
 */
function levelled(shapes: readonly Timed[]): Curves['decode'] {
  let least = Number.POSITIVE_INFINITY;
  return shapes
    .map(({ rowCount, computeMs }) => ({ rowCount, ms: median(computeMs) }))
    .reverse()
    .map(({ rowCount, ms }) => {
      least = Math.min(least, ms);
      return { rowCount, ms: least };
    })
    .reverse();
}

/** The shapes of a pass, with single rows at equal distances. */
function passOrder(shapes: readonly Timed[], singleRowCount: number): readonly Timed[] {
  const single = shapes.find(isSingleRow);
  if (single === undefined) return shapes;
  const others = shapes.filter((shape) => shape !== single);
  const place = (index: number): number => Math.floor((index * others.length) / singleRowCount);
  return Array.from({ length: singleRowCount }, (_, index) => [
    single,
    ...others.slice(place(index), place(index + 1)),
  ]).flat();
}

function isSingleRow({ rowCount, hasOutputs, isFar }: Shape): boolean {
  return rowCount === 1 && hasOutputs && !isFar;
}

/** The median spread of the shapes with more than one measurement. */
function spreadOf(shapes: readonly Timed[]): number {
  const spreads = shapes
    .filter(({ computeMs }) => computeMs.length > 1)
    .map(({ computeMs }) => {
      const least = Math.min(...computeMs);
      return least > 0 ? (median(computeMs) - least) / least : 0;
    });
  return spreads.length > 0 ? median(spreads) : SPREAD_UNKNOWN;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
