/** Judges a reward on trees: its ranking, its curve along δ, and its accuracy beside its controls. */
import { required } from '../../src/core/invariant.ts';
import { mix, noiseKey } from '../../src/core/noise.ts';
import { bootstrap, meanOf, type Replicates } from '../../src/evaluation/statistics/bootstrap.ts';
import type { Interval } from '../../src/evaluation/statistics/interval.ts';
import { auc } from '../../src/network/auc.ts';
import { replayBy, type TreeReplay } from '../../src/training/steps/replay-steps.ts';
import type { StepExample } from '../../src/training/steps/step-rows.ts';
import { bestValue, largeValue, stepLabel, walk } from '../../src/training/steps/step-tree.ts';
import type { ComparedReward } from './rewards.ts';

/** Totals of a rule over all questions, as parts of the large model alone. */
export interface Totals {
  readonly accuracy: number;
  /** Of steps. */
  readonly rejectedShare: number;
  /** 2·N per token written, discarded ones included. */
  readonly writtenFlops: number;
  /** 2·N per token written or scored: with the large model's reading of drafts. */
  readonly generatedFlops: number;
  /** Forwards times weight bytes, prefill included. */
  readonly weightTraffic: number;
  /** [question] 1: right. */
  readonly values: readonly number[];
}

/** The small model's size as a part of the large one's. */
export interface PairRatios {
  readonly parameters: number;
  readonly weightBytes: number;
}

export function totals(
  examples: readonly StepExample[],
  accepts: (example: StepExample, state: number, question: number) => boolean,
  ratios: PairRatios,
  largeReads: boolean,
): Totals {
  const replays = examples.map((example, question) =>
    replayBy(example.tree, (state) => accepts(example, state, question)),
  );
  const alone = examples.map(({ tree }) => replayBy(tree, () => false));
  const sum = (all: readonly TreeReplay[], of: (one: TreeReplay) => number): number =>
    all.reduce((total, one) => total + of(one), 0);
  const large = sum(alone, ({ largeTokenCount }) => largeTokenCount);
  const written =
    ratios.parameters * sum(replays, (one) => one.smallTokenCount) +
    sum(replays, (one) => one.largeTokenCount);
  // A model that is used reads the prompt in one forward, a reward together with the first step. The
  // large one catches up on what it missed in the forward of its next token or of its reading.
  const traffic =
    ratios.weightBytes * (examples.length + sum(replays, (one) => one.smallTokenCount)) +
    sum(replays, (one) => one.largeTokenCount) +
    sum(replays, (one) => (largeReads ? one.stepCount : Number(one.rejectedCount > 0)));
  const judged = largeReads ? sum(replays, (one) => one.judgedTokenCount) : 0;
  const values = replays.map(({ value }) => value);
  return {
    accuracy: mean(values),
    rejectedShare: sum(replays, (one) => one.rejectedCount) / sum(replays, (one) => one.stepCount),
    writtenFlops: written / large,
    generatedFlops: (written + judged) / large,
    weightTraffic: traffic / (examples.length + large),
    values,
  };
}

/** A point of a curve along δ. */
export interface DeltaPoint extends Totals {
  readonly delta: number;
}

const POINT_COUNT = 60;
/** The largest share of steps that curves reject. */
const SHARE_MAX = 0.9;

/** Thresholds by the shares of steps that they reject, from few to many. */
export function deltas(examples: readonly StepExample[], { reward }: ComparedReward): number[] {
  const all = examples
    .flatMap((example) =>
      walk(example.tree, () => false).states.flatMap((state) => reward(example, state) ?? []),
    )
    .sort((a, b) => a - b);
  const shares = Array.from(
    { length: POINT_COUNT },
    (_, at) => 0.002 * (SHARE_MAX / 0.002) ** (at / (POINT_COUNT - 1)),
  );
  return [...new Set(shares.map((share) => all[Math.floor(share * all.length)] ?? 1))];
}

export function curve(
  examples: readonly StepExample[],
  compared: ComparedReward,
  ratios: PairRatios,
  at: readonly number[] = deltas(examples, compared),
): readonly DeltaPoint[] {
  const { reward, largeReads } = compared;
  const rewards = examples.map((example) => example.tree.map((_, state) => reward(example, state)));
  return at.map((delta) => ({
    delta,
    ...totals(
      examples,
      (_, state, question) => (rewards[question]?.[state] ?? 1) >= delta,
      ratios,
      largeReads,
    ),
  }));
}

/** Of a random gate that gives a share of the steps to the large model, which then drafts nothing. */
export function randomCurve(examples: readonly StepExample[], ratios: PairRatios): DeltaPoint[] {
  const shares = Array.from({ length: 41 }, (_, at) => at / 40);
  return shares.map((delta) => {
    const runs = Array.from({ length: RANDOM_SEED_COUNT }, (_, seed) => {
      const key = noiseKey(seed + 1, 0, 'coin');
      const keeps = (_: StepExample, state: number, question: number): boolean =>
        mix(question * 4096 + state, key.a, key.b) / 2 ** 32 >= delta;
      const all = totals(examples, keeps, ratios, false);
      // The control drafts nothing in vain.
      return { ...all, writtenFlops: undraftedFlops(examples, keeps, ratios) };
    });
    const average = (of: (run: Totals) => number): number => mean(runs.map(of));
    const writtenFlops = average((run) => run.writtenFlops);
    return {
      ...{ delta, writtenFlops, generatedFlops: writtenFlops },
      accuracy: average((run) => run.accuracy),
      rejectedShare: average((run) => run.rejectedShare),
      weightTraffic: average((run) => run.weightTraffic),
      values: [],
    };
  });
}

const RANDOM_SEED_COUNT = 20;

function undraftedFlops(
  examples: readonly StepExample[],
  keeps: (example: StepExample, state: number, question: number) => boolean,
  { parameters }: PairRatios,
): number {
  let [written, large] = [0, 0];
  for (const [question, example] of examples.entries()) {
    const { tree } = example;
    const own = replayBy(tree, (state) => keeps(example, state, question));
    const kept = own.tokenCount - own.largeTokenCount;
    written += parameters * kept + own.largeTokenCount;
    large += replayBy(tree, () => false).largeTokenCount;
  }
  return written / large;
}

/** The accuracy of a curve at a cost, between its points. */
export function accuracyAt(points: readonly Totals[], cost: number): number {
  const order = [...points].sort((a, b) => a.generatedFlops - b.generatedFlops);
  const above = order.findIndex((point) => point.generatedFlops >= cost);
  if (above < 0) return required(order.at(-1), 'a point').accuracy;
  const high = required(order[above], 'a point');
  const low = order[above - 1] ?? high;
  const width = high.generatedFlops - low.generatedFlops;
  const part = width === 0 ? 1 : (cost - low.generatedFlops) / width;
  return low.accuracy + part * (high.accuracy - low.accuracy);
}

/** The least cost at which a curve reaches an accuracy; null: never. */
export function costOf(
  points: readonly DeltaPoint[],
  accuracy: number,
  face: 'generatedFlops' | 'writtenFlops',
): DeltaPoint | null {
  const reached = points.filter((point) => point.accuracy >= accuracy);
  return reached.sort((a, b) => a[face] - b[face])[0] ?? null;
}

export interface Ranking {
  /** On states that can still be solved. */
  readonly auc: number | null;
  /** On those of them at which the models' steps differ. */
  readonly aucOfDiffering: number | null;
}

export function ranking(examples: readonly StepExample[], { reward }: ComparedReward): Ranking {
  const steps = examples.flatMap((example) =>
    example.tree.flatMap(({ small, large }, state) => {
      const score = reward(example, state);
      const label = stepLabel(example.tree, state);
      if (score === null || label === null || bestValue(example.tree, state) === 0) return [];
      return [{ score, label, differs: Number(small?.to !== large?.to) }];
    }),
  );
  const scores = Float32Array.from(steps, ({ score }) => score);
  const labels = Float32Array.from(steps, ({ label }) => label);
  return {
    auc: auc(scores, labels, new Float32Array(steps.length).fill(1)),
    aucOfDiffering: auc(
      scores,
      labels,
      Float32Array.from(steps, ({ differs }) => differs),
    ),
  };
}

/** In points: the accuracy of a rule less that of the large model alone, paired by question. */
export function overLarge(
  examples: readonly StepExample[],
  values: readonly number[],
  replicates: Replicates,
): { readonly mean: number; readonly interval: Interval | null } {
  const differences = values.map(
    (value, question) =>
      100 * (value - largeValue(required(examples[question], 'a question').tree, 0)),
  );
  return { mean: mean(differences), interval: bootstrap(replicates, meanOf(differences)) };
}

export function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
