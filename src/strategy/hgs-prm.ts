/**
 * `hgs-prm`: greedy search over steps with backtracking, by a reward (heuristic greedy search with a
 * process reward model; Ma et al., 2023, arXiv 2310.10080). The small model alone writes.
 *
 * At each place a step is drafted. If its reward reaches δ, the search goes on after it. Otherwise the
 * step is drawn again, up to n tries. If none reaches δ, the search goes back to the place before, which
 * draws another step there; after n such returns, or where the place before has had its n tries, it goes
 * on with the best try. In the paper a reward model says positive, neutral or negative: δ stands for
 * positive, and the best try for neutral. The paper does not say how many tries and returns there are.
 *
 * δ ≤ 0, and a single try, write the text of `small`.
 */
import type { RowResult } from '../core/row-program.ts';
import { joinReads } from '../core/row-reads.ts';
import type { TokenId } from '../core/token-id.ts';
import { meanLogprob, smallLikelihood } from '../judging/likelihood-reward.ts';
import type { StepReward, StepScorer } from '../judging/step-reward.ts';
import { beginReward } from './begin-reward.ts';
import { samplesCost } from './cost-models.ts';
import { headThreshold } from './head-threshold.ts';
import { type Method, type ThresholdFacts, thresholdOf } from './method.ts';
import { checkSamples, drawOf, SAMPLE_DEFAULTS, type SampleOptions } from './samples.ts';
import { checkStepLimits, STEP_LIMITS, type StepLimits } from './step-boundary.ts';
import type { Decision, Decoder, Round, Strategy, StrategyContext } from './strategy.ts';
import { OWN_STEPS_HEAD, ownStepsReward } from './trained-reward.ts';
import { writeStep } from './write-step.ts';
import { writtenBy } from './written-by.ts';

export interface HgsOptions extends StepLimits {
  readonly samples?: SampleOptions | undefined;
}

/** @throws PilotfishError `option-invalid` */
export function hgsPrm(
  name: string,
  reward: StepReward,
  delta: number,
  options: HgsOptions = {},
): Strategy {
  checkSamples(options.samples);
  checkStepLimits(options);
  const { small = {}, ...others } = reward.needs;
  const reads = joinReads(reward.draftReads, small.reads ?? {});
  return {
    name,
    needs: { small: { ...small, reads }, ...others },
    thresholds: { delta },
    begin: (context) => new HgsDecoder(context, reward, delta, options),
  };
}

interface Try {
  readonly rows: readonly RowResult[];
  readonly score: number;
  /** The place after it, once the search has been there. */
  after: Place | null;
}

/** A text at which a step begins. */
interface Place {
  readonly text: readonly TokenId[];
  readonly tries: Try[];
}

class HgsDecoder implements Decoder {
  readonly #context: StrategyContext;
  readonly #reward: StepReward;
  readonly #scorer: StepScorer;
  readonly #delta: number;
  readonly #options: HgsOptions;
  #tryCount = 0;
  #returnCount = 0;

  constructor(context: StrategyContext, reward: StepReward, delta: number, options: HgsOptions) {
    this.#context = context;
    this.#reward = reward;
    this.#scorer = beginReward(reward, context);
    this.#delta = delta;
    this.#options = options;
  }

  /** The whole answer: any step may still be taken back before the last is found. */
  async round(round: Round): Promise<readonly Decision[]> {
    const { stepCountMax = STEP_LIMITS.stepCountMax } = this.#options;
    const end = round.text.length + round.tokenCountMax;
    const path: Try[] = [];
    const places: Place[] = [{ text: round.text, tries: [] }];
    for (let place = places.at(-1); place !== undefined; place = places.at(-1)) {
      const found = await this.#found(place, end, path.length < stepCountMax);
      const before = places.at(-2);
      if (found === null && before !== undefined && this.#mayReturn(before)) {
        this.#returnCount += 1;
        places.pop();
        path.pop();
        continue;
      }
      const step = found ?? best(place.tries);
      path.push(step);
      if (this.#isEnd(place, step, end)) break;
      step.after ??= { text: textAfter(place, step.rows), tries: [] };
      places.push(step.after);
    }
    return path.flatMap(({ rows, score }) =>
      rows.map((row) => ({ ...writtenBy('small', row), score })),
    );
  }

  notes(): readonly string[] {
    return [`${this.#tryCount} steps tried, ${this.#returnCount} returns to the step before`];
  }

  get #triesMax(): number {
    return this.#options.samples?.count ?? SAMPLE_DEFAULTS.count;
  }

  #mayReturn(before: Place): boolean {
    return this.#returnCount < this.#triesMax && before.tries.length < this.#triesMax;
  }

  /** A new try that reaches δ; null: no further one does. The tries before it were given up. */
  async #found(place: Place, end: number, isSearching: boolean): Promise<Try | null> {
    const countMax = isSearching ? this.#triesMax : 1;
    while (place.tries.length < countMax) {
      const rows = await this.#draft(place, end);
      const same = place.tries.find((step) => isSame(step.rows, rows));
      const step = same ?? (await this.#scored(place, rows));
      place.tries.push(step);
      if (!isSearching || (same === undefined && step.score >= this.#delta)) return step;
    }
    return null;
  }

  #draft({ text, tries }: Place, end: number): Promise<readonly RowResult[]> {
    this.#tryCount += 1;
    const round = { text, tokenCountMax: end - text.length };
    return writeStep('small', round, this.#context, {
      ...this.#options,
      ...drawOf(tries.length, this.#context, this.#options.samples ?? {}),
      reads: this.#reward.draftReads,
    });
  }

  async #scored(place: Place, rows: readonly RowResult[]): Promise<Try> {
    const score = await this.#scorer.score({ text: textAfter(place, rows), rows });
    return { rows, score, after: null };
  }

  #isEnd(place: Place, step: Try, end: number): boolean {
    const last = step.rows.at(-1);
    if (last === undefined || this.#context.isEndOfGeneration(last.tokenId)) return true;
    return place.text.length + step.rows.length >= end || this.#holdsStop(step);
  }

  #holdsStop({ rows }: Try): boolean {
    const { stops, tokenBytes } = this.#context;
    const text = Buffer.concat(rows.map(({ tokenId }) => tokenBytes(tokenId))).toString('utf8');
    return stops.some((stop) => text.includes(stop));
  }
}

/** The first of those with the best reward. */
function best(tries: readonly Try[]): Try {
  return tries.reduce((one, other) => (other.score > one.score ? other : one));
}

function isSame(one: readonly RowResult[], other: readonly RowResult[]): boolean {
  return one.map(({ tokenId }) => tokenId).join() === other.map(({ tokenId }) => tokenId).join();
}

function textAfter({ text }: Place, rows: readonly RowResult[]): readonly TokenId[] {
  return [...text, ...rows.map(({ tokenId }) => tokenId)];
}

const DELTA: Omit<ThresholdFacts, 'default'> = {
  name: 'delta',
  meaning: 'steps whose reward is below it are tried again',
  isShare: false,
  deferralSide: null,
};

type Facts = Pick<Method, 'name' | 'summary' | 'head' | 'build'> & {
  readonly delta: number | null;
};

function method({ delta, ...facts }: Facts): Method {
  return {
    ...facts,
    // Any step may be taken back until the whole answer is found.
    unit: 'query',
    controlOf: null,
    threshold: { ...DELTA, default: delta },
    gate: null,
    usesStepCosts: false,
    needs: ['small'],
    costModels: [samplesCost(facts.name, 'tries at most', { logprob: true })],
    style: null,
  };
}

const TRAINED = 'hgs-prm';
const UNTRAINED = 'hgs-prm-likelihood';

export const HGS_METHODS: readonly Method[] = [
  method({
    name: TRAINED,
    summary:
      'the small model drafts a step again (--samples times at most) where a trained reward finds it ' +
      'bad, and goes back to the step before where no draft is good',
    delta: null,
    head: OWN_STEPS_HEAD,
    build: (value, options) => {
      const { reward, head, limits } = ownStepsReward(TRAINED, options);
      const delta = headThreshold(head, value);
      return hgsPrm(TRAINED, reward, delta, { ...limits, samples: options.samples });
    },
  }),
  method({
    name: UNTRAINED,
    summary: 'the same, by the mean likelihood of each step (untrained)',
    delta: 0.9,
    head: null,
    build: (value, { steps, samples }) => {
      const reward = smallLikelihood(UNTRAINED, meanLogprob);
      return hgsPrm(UNTRAINED, reward, thresholdOf(value), { ...steps, samples });
    },
  }),
];
