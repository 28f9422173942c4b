/**
 * Whether a strategy pays: its expected work at a machine's costs, compared with the large model
 * alone on the same answer, and the range over which it pays. Pure functions of profile, parameter
 * and lengths.
 *
 * Nothing here knows how good the answers are. A ratio below 1 only says that an answer costs less.
 */
import type { ParameterCounts, TokenPrices } from '../core/events.ts';
import type { ModelRole } from '../core/model-id.ts';
import type { AnswerLengths, CostModel, CostParameter, ExpectedWork } from './cost-model.ts';
import { type ForwardCosts, fullForwardMs } from './forward-costs.ts';

/** The facts about a model and the costs of its forwards. */
export interface AdvisedModel {
  readonly costs: ForwardCosts;
  readonly weightBytes: number;
  readonly parameterCounts: ParameterCounts;
  readonly prices: TokenPrices | null;
}

/**
 * The billing of a call of the large model:
 * - `kept`: its server keeps the sequence, and every row is read once.
 * - `per-call`: an API that keeps no sequence reads the whole text again at each call.
 * Output rows are billed alike.
 */
export const BILLINGS = ['kept', 'per-call'] as const;
export type Billing = (typeof BILLINGS)[number];

export interface CostScenario extends AnswerLengths {
  readonly models: Readonly<Record<ModelRole, AdvisedModel>>;
  /** Default: `kept`, which is how the price of a run is counted. */
  readonly billing?: Billing;
  /** The round trip to a large model behind a network; 0 for a local one. */
  readonly roundTripMs: number;
  /**
   * The time that each token of a call's text takes a server that reads the whole text at every call; its
   * forwards then cost no reading. Default: 0, it keeps what it has read.
   */
  readonly rereadMs?: number | undefined;
}

export const FACES = [
  'time',
  'weightTraffic',
  'writtenFlops',
  'generatedFlops',
  'processedFlops',
  'price',
] as const;
export type Face = (typeof FACES)[number];

/** The range of a parameter over which a strategy pays. Null: it never pays. */
export interface PayingRange {
  readonly from: number;
  readonly to: number;
}

export interface FaceAdvice {
  /** Relative to the large model alone; null without prices. */
  readonly ratio: number | null;
  readonly pays: boolean;
  /** Over the parameter, from 0 to 1. Null if it never pays, or if there is no parameter or price. */
  readonly range: PayingRange | null;
}

export interface Advice {
  readonly name: string;
  readonly parameter: CostParameter | null;
  readonly value: number | null;
  readonly faces: Readonly<Record<Face, FaceAdvice>>;
  /** The round trips in ms over which it saves time. Null: none. */
  readonly roundTripRange: PayingRange | null;
  readonly note: string | null;
}

/**
 * Compares a strategy with the large model alone.
 * @param value of the cost model's parameter; 0 if it has none
 */
export function costAdvice(
  model: CostModel,
  large: CostModel,
  scenario: CostScenario,
  value: number,
): Advice {
  const alone = facesOf(large, scenario, 0);
  // All faces at one value come from the same expected work.
  const known = new Map<number, Amounts>();
  const ratioAt = (face: Face, at: number): number | null => {
    const amounts = known.get(at) ?? facesOf(model, scenario, at);
    known.set(at, amounts);
    return ratio(amounts[face], alone[face]);
  };
  const faceAdvice = (face: Face): FaceAdvice => {
    const here = ratioAt(face, value);
    const hasRange = here !== null && model.parameter !== null;
    return {
      ratio: here,
      pays: here !== null && here < 1,
      range: hasRange ? payingRange((at) => ratioAt(face, at) ?? 1, SHARES) : null,
    };
  };
  const withTrip = (roundTripMs: number): number => {
    const there = { ...scenario, roundTripMs };
    return facesOf(model, there, value).time / facesOf(large, there, 0).time;
  };
  return {
    name: model.name,
    parameter: model.parameter,
    value: model.parameter === null ? null : value,
    faces: Object.fromEntries(FACES.map((face) => [face, faceAdvice(face)])) as Advice['faces'],
    roundTripRange: payingRange(withTrip, ROUND_TRIPS_MS),
    note: workOf(model, scenario, value).note,
  };
}

type Amounts = Readonly<Record<Exclude<Face, 'price'>, number>> & { readonly price: number | null };

function workOf(model: CostModel, scenario: CostScenario, value: number): ExpectedWork {
  const { models, billing: _, rereadMs: __, ...rest } = scenario;
  const costs = { small: models.small.costs, large: models.large.costs };
  return model.work({ ...rest, value, costs });
}

/** The FLOPs of one parameter for one row: a multiplication and an addition. */
const FLOPS_PER_PARAMETER = 2;

/** The faces of cost (accounting/run-cost.ts), for expected instead of recorded work. */
export function facesOf(model: CostModel, scenario: CostScenario, value: number): Amounts {
  const { models, roundTripMs, billing = 'kept', rereadMs = 0 } = scenario;
  const work = workOf(model, scenario, value);
  const total = {
    time: work.largeCallCount * roundTripMs + work.largeContextTokenCount * rereadMs,
    ...{ weightTraffic: 0, writtenFlops: 0, generatedFlops: 0, processedFlops: 0, price: 0 },
  };
  for (const { model: role, count, shape, isReward = false } of work.forwards) {
    const { costs, weightBytes, parameterCounts, prices } = models[role];
    const { rowCount, outputRowCount } = shape;
    const readings = role === 'small' && model.readsLogits ? ['uncertainty' as const] : [];
    const { body, outputHead } = parameterCounts;
    const flops = count * FLOPS_PER_PARAMETER;
    total.time += count * fullForwardMs(costs, shape, readings);
    total.weightTraffic += count * weightBytes;
    const writtenCount = isReward ? 0 : Math.min(1, outputRowCount);
    total.writtenFlops += flops * writtenCount * (body + outputHead);
    total.generatedFlops += flops * outputRowCount * (body + outputHead);
    total.processedFlops += flops * (rowCount * body + outputRowCount * outputHead);
    const isReadPerCall = role === 'large' && billing === 'per-call';
    const inputCount = isReadPerCall ? 0 : count * rowCount;
    total.price += priceOf(prices, inputCount, count * outputRowCount);
  }
  if (billing === 'per-call') {
    total.price += priceOf(models.large.prices, work.largeContextTokenCount, 0);
  }
  const hasPrices = models.small.prices !== null || models.large.prices !== null;
  return { ...total, price: hasPrices ? total.price : null };
}

function priceOf(prices: TokenPrices | null, inputCount: number, outputCount: number): number {
  if (prices === null) return 0;
  return (inputCount * prices.inputPerMillion + outputCount * prices.outputPerMillion) / 1e6;
}

function ratio(amount: number | null, alone: number | null): number | null {
  return amount === null || alone === null || alone <= 0 ? null : amount / alone;
}

/** The values at which crossings are looked for before they are narrowed down. */
const SHARES: readonly number[] = Array.from({ length: 41 }, (_, index) => index / 40);
const ROUND_TRIPS_MS: readonly number[] = [
  0,
  ...Array.from({ length: 41 }, (_, index) => 0.1 * 10 ** (index / 8)),
];
/** Each step halves the interval: the result is exact to a millionth of a grid step. */
const BISECTION_COUNT = 20;

/**
 * The range from the first to the last value at which a ratio lies below 1, with its ends narrowed
 * down to the points where the ratio crosses 1. Ratios are monotonic in practice and have at most one
 * such end.
 */
export function payingRange(
  ratioAt: (value: number) => number,
  places: readonly number[],
): PayingRange | null {
  const pays = places.map((value) => ratioAt(value) < 1);
  const first = pays.indexOf(true);
  const last = pays.lastIndexOf(true);
  if (first < 0) return null;
  const at = (index: number): number => places[index] ?? 0;
  return {
    from: first === 0 ? at(0) : crossing(ratioAt, at(first), at(first - 1)),
    to: last === places.length - 1 ? at(last) : crossing(ratioAt, at(last), at(last + 1)),
  };
}

/** @returns the point between a paying and a losing value at which the ratio is 1 */
function crossing(ratioAt: (value: number) => number, paying: number, losing: number): number {
  let [inside, outside] = [paying, losing];
  for (let step = 0; step < BISECTION_COUNT; step += 1) {
    const middle = (inside + outside) / 2;
    if (ratioAt(middle) < 1) inside = middle;
    else outside = middle;
  }
  return inside;
}
