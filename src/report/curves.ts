/**
 * Turns results into points to draw. The seeds of one strategy and threshold become one point, and
 * strategies are classified as the models alone, controls or methods.
 */
import type {
  AnswerBill,
  CostAxis,
  Estimate,
  EvaluationResult,
  PointResult,
} from '../evaluation/results.ts';
import type { Unit } from '../strategy/method.ts';
import { largeMethod, smallMethod } from '../strategy/single-model.ts';

/** One strategy at one threshold, seeds averaged. Shares, ratios and accuracies as in the results. */
export interface CurvePoint {
  readonly strategy: string;
  readonly unit: Unit | null;
  readonly threshold: number | null;
  readonly seedCount: number;
  readonly n: number;
  readonly accuracy: number;
  /**
   * The mean bounds of the seeds' intervals, widened where needed to hold every seed's accuracy.
   */
  readonly low: number;
  readonly high: number;
  /** The means of the seeds' values and bounds. */
  readonly overLarge: Estimate;
  readonly tokenCount: number;
  readonly largeShare: number;
  readonly verifiedShare: number;
  readonly transmittedShare: number | null;
  readonly predictedShare: number | null;
  readonly stepCount: number | null;
  readonly rejectedShare: number | null;
  readonly writtenFlopsRatio: number | null;
  readonly generatedFlopsRatio: number;
  readonly weightTrafficRatio: number;
  readonly processedFlopsRatio: number;
  /** The mean of every count; null: the large model is on no server. */
  readonly bill: AnswerBill | null;
  /** The profiles for which every seed has a prediction. */
  readonly timeRatios: Readonly<Record<string, number>>;
  readonly gapRecovered: number | null;
  /** Whether the point is on the front with at least half of its seeds. */
  readonly isOnFront: boolean;
}

/** The names of the two models alone: the ends of every curve. */
export const SMALL_ALONE: string = smallMethod.name;
export const LARGE_ALONE: string = largeMethod.name;

export function isModelAlone(strategy: string): boolean {
  return strategy === SMALL_ALONE || strategy === LARGE_ALONE;
}

/** The names of the random controls, which the methods have to beat, in order of appearance. */
export function controlsOf({ results }: Pick<EvaluationResult, 'results'>): ReadonlySet<string> {
  return new Set(
    results.filter(({ controlOf }) => controlOf !== null).map(({ strategy }) => strategy),
  );
}

/**
 * `entropy@1.5`; the name alone where there is no threshold. The threshold has all its digits,
 * which are few unless scores lie close: margin@0.99998 is not margin@1.
 */
export function pointName(point: Pick<CurvePoint, 'strategy' | 'threshold'>): string {
  const { strategy, threshold } = point;
  return threshold === null ? strategy : `${strategy}@${threshold}`;
}

/** One point per strategy and threshold, in order of appearance. */
export function curvePoints(results: readonly PointResult[]): CurvePoint[] {
  const groups = new Map<string, PointResult[]>();
  for (const result of results) {
    const key = JSON.stringify([result.strategy, result.threshold]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [result]);
    else group.push(result);
  }
  return [...groups.values()].flatMap(averaged);
}

function averaged(seeds: readonly PointResult[]): CurvePoint[] {
  const [first] = seeds;
  if (first === undefined) return [];
  const mean = (of: (point: PointResult) => number): number => average(seeds.map(of));
  const meanOrNull = (of: (point: PointResult) => number | null): number | null => {
    const values = seeds.map(of).filter((value) => value !== null);
    return values.length === 0 ? null : average(values);
  };
  const accuracies = seeds.map(({ accuracy }) => accuracy);
  return [
    {
      strategy: first.strategy,
      unit: first.unit,
      threshold: first.threshold,
      seedCount: seeds.length,
      n: first.n,
      accuracy: average(accuracies),
      low: Math.min(
        mean((point) => point.accuracyLow),
        ...accuracies,
      ),
      high: Math.max(
        mean((point) => point.accuracyHigh),
        ...accuracies,
      ),
      overLarge: {
        value: meanOrNull(({ overLarge }) => overLarge.value),
        low: meanOrNull(({ overLarge }) => overLarge.low),
        high: meanOrNull(({ overLarge }) => overLarge.high),
      },
      tokenCount: mean((point) => point.tokenCount),
      largeShare: mean((point) => point.largeShare),
      verifiedShare: mean((point) => point.verifiedShare),
      transmittedShare: meanOrNull((point) => point.transmittedShare),
      predictedShare: meanOrNull((point) => point.predictedShare),
      stepCount: meanOrNull((point) => point.stepCount),
      rejectedShare: meanOrNull((point) => point.rejectedShare),
      writtenFlopsRatio: meanOrNull((point) => point.writtenFlopsRatio),
      generatedFlopsRatio: mean((point) => point.generatedFlopsRatio),
      weightTrafficRatio: mean((point) => point.weightTrafficRatio),
      processedFlopsRatio: mean((point) => point.processedFlopsRatio),
      bill: meanBill(seeds.flatMap(({ bill }) => bill ?? [])),
      timeRatios: meanTimes(seeds),
      gapRecovered: meanOrNull((point) => point.gapRecovered),
      isOnFront: seeds.filter((point) => point.isOnFront).length * 2 >= seeds.length,
    },
  ];
}

function meanTimes(seeds: readonly PointResult[]): Record<string, number> {
  const profiles = Object.keys(seeds[0]?.timeRatios ?? {});
  return Object.fromEntries(
    profiles.flatMap((profile) => {
      const values = seeds.flatMap(({ timeRatios }) => timeRatios[profile] ?? []);
      return values.length === seeds.length ? [[profile, average(values)]] : [];
    }),
  );
}

function meanBill(bills: readonly AnswerBill[]): AnswerBill | null {
  if (bills.length === 0) return null;
  const mean = (of: (bill: AnswerBill) => number): number => average(bills.map(of));
  return {
    callCount: mean((bill) => bill.callCount),
    inputCount: mean((bill) => bill.inputCount),
    newInputCount: mean((bill) => bill.newInputCount),
    outputCount: mean((bill) => bill.outputCount),
    bytesUp: mean((bill) => bill.bytesUp),
    bytesDown: mean((bill) => bill.bytesDown),
  };
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The axis that counts a strategy's unit: that of its summary, else the large share. */
export function shareAxisOf(result: EvaluationResult, strategy: string): CostAxis {
  return result.summary[strategy]?.axis ?? 'largeShare';
}

/** The names in order of appearance, each once. */
export function strategiesOf(points: readonly { readonly strategy: string }[]): string[] {
  return [...new Set(points.map(({ strategy }) => strategy))];
}
