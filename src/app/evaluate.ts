/** Evaluates strategies: from the names of models, questions and strategies to statistics. */
import { join } from 'node:path';
import { PilotfishError } from '../core/errors.ts';
import type { ModelsById } from '../core/model-id.ts';
import { type ShareInterval, shareInterval } from '../evaluation/curves/share-interval.ts';
import type { Question } from '../evaluation/question.ts';
import { checkCalibratedOn, checkOverlap, checkTrainedOn } from '../evaluation/question-key.ts';
import type { EvaluationResult } from '../evaluation/results.ts';
import { checkLive, type LiveCheck } from '../evaluation/run/check-live.ts';
import type { EvaluatedModel, EvaluationPair } from '../evaluation/run/evaluation-pair.ts';
import type { EvaluationPlan, RequestedStrategy } from '../evaluation/run/evaluation-plan.ts';
import { evaluationResult } from '../evaluation/run/evaluation-result.ts';
import { fitsInUse } from '../evaluation/run/open-manifest.ts';
import type { TimeProfile } from '../evaluation/run/point-runs.ts';
import { runEvaluation } from '../evaluation/run/run-evaluation.ts';
import type { HeadContent, HeadFacts } from '../judging/head.ts';
import type { MachineProfile } from '../machines/machine-profile.ts';
import { profileCosts } from '../machines/profile-costs.ts';
import { billTable } from '../report/bill-table.ts';
import type { NumberTable } from '../report/pictures/picture.ts';
import { writeWhole } from '../storage/whole-file.ts';
import { headThreshold } from '../strategy/head-threshold.ts';
import type { OptionGroup } from '../strategy/method.ts';
import { choosesModels, isOfPair, type Method, type StrategyValue } from '../strategy/method.ts';
import { METHODS } from '../strategy/methods.ts';
import { asStrategy, type StrategyInput, strategyValue } from '../strategy/strategy-value.ts';
import { profileStore } from './machine/local-profile.ts';
import { evaluationLock } from './questions/evaluation-lock.ts';
import { loadQuestions, trainingQuestions } from './questions/load-questions.ts';
import { checkCounts, checkShares } from './questions/number-range.ts';
import { type OpenEvaluationOptions, openEvaluation } from './questions/open-evaluation.ts';
import {
  MAX_TOKENS_DEFAULT,
  type QuestionRunOptions,
  WAVE_SIZE_DEFAULT,
} from './questions/question-run.ts';

export interface EvaluateOptions
  extends Omit<QuestionRunOptions, 'traffic'>,
    Pick<OpenEvaluationOptions, 'keepsRows' | 'headFiles' | 'hub' | 'server' | OptionGroup> {
  /**
   * Training sets of anything that is evaluated, as `gsm8k/train` or the path of a `.jsonl` file. A
   * question that is also in one of them is refused.
   */
  readonly trainedOn?: readonly string[] | undefined;
  /**
   * Strategies as `NAME` or `NAME@THRESHOLD`; a name may occur with several thresholds. A calibrated
   * router also takes `NAME@30%`. Default: every method that decides something, if it needs no head
   * or has one for this pair.
   */
  readonly strategies?: readonly StrategyInput[] | undefined;
  /**
   * The interval of costs over which curves are compared: a low and a high share. Default: the task's.
   */
  readonly interval?: readonly number[] | undefined;
  /** The shares of every curve's points. Default: they reach over the interval. */
  readonly shares?: readonly number[] | undefined;
  /**
   * The number of points of a curve without `shares`; default 7. Where fewer than 6 lie in or next to
   * the interval, up to 6 are added, unless this number is below 6.
   */
  readonly pointCount?: number | undefined;
  /** The number of runs of random controls; default 3. */
  readonly seedCount?: number | undefined;
  /** Default 0: every answer is greedy. */
  readonly temperature?: number | undefined;
  /** Chooses the draws of a temperature above 0, for all methods alike; default 0. */
  readonly drawSeed?: number | undefined;
  /** The share to run of the questions on which both models are right or both wrong; default: all. */
  readonly screenShare?: number | undefined;
  /** Also keep every event of every run. */
  readonly logs?: boolean | undefined;
  /** Profiles of machines on which times are predicted. */
  readonly profiles?: readonly string[] | undefined;
  /** The number of answers to give again, one at a time and without remembered rows. */
  readonly liveCheckCount?: number | undefined;
}

export interface Evaluated {
  readonly result: EvaluationResult;
  /** The file in the folder that holds the result, for `writeReport`. */
  readonly path: string;
  /** What the server of the large model bills; without one it has no rows. */
  readonly bills: NumberTable;
  /** Null if none was requested. */
  readonly liveCheck: LiveCheck | null;
  /** The numbers of output rows that were remembered and that a model computed. */
  readonly rowCounts: { readonly known: number; readonly computed: number };
}

/** All methods of a pair that decide how much the large model writes. */
const DECIDING_STRATEGIES: readonly StrategyValue[] = METHODS.filter(
  (method) => choosesModels(method) && isOfPair(method),
).map((method) => strategyValue(method));
const RESULT_FILE = 'result.json';
const LOG_FILE = 'logs.jsonl';
/** The remedy if the result cannot be written. */
const OTHERWISE =
  'run the same command again: the answers are kept, and the result is made of them';
const POINT_COUNT = 7;
const SEED_COUNT = 3;
const SCREENING_SEED = 1;

/**
 * Measures the accuracy and cost of strategies on questions, with both models alone, random controls
 * and confidence intervals. An interrupted evaluation continues where it stopped.
 *
 * @throws PilotfishError before a model is loaded: `option-invalid`, `task-unknown`,
 *   `slice-unknown`, `data-not-found`, `data-invalid`, `data-overlap`, `strategy-unknown`,
 *   `threshold-invalid`, `profile-unknown`, `profile-invalid`; later `profile-incomplete`,
 *   `evaluation-invalid` for a folder that holds answers of another evaluation or is in use,
 *   `aborted`, and what pulling, loading and generating throw. Answers so far are kept
 *
 * @example
 * const options = { task: 'pocket', pair: 'pocket', count: 100, folder: 'evaluations/pocket' };
 * const { result, path } = await evaluate({ ...options, strategies: ['entropy', 'random'] });
 */
export async function evaluate(options: EvaluateOptions): Promise<Evaluated> {
  const asked = (options.strategies ?? DECIDING_STRATEGIES).map(asStrategy);
  const given = planOf(options, asked);
  const named = await namedProfiles(options);
  const { task, questions, interval } = await loadQuestions(options);
  for (const name of options.trainedOn ?? []) {
    checkOverlap(await trainingQuestions(name, options), questions);
  }
  await using pair = await openEvaluation({
    ...options,
    strategies: asked,
    headsOptional: options.strategies === undefined,
    maxTokens: given.maxTokens,
    waveSize: given.waveSize,
  });
  const heads = usableHeads(pair, questions, asked, options);
  const strategies = requestedStrategies(asked, heads);
  await using _lock = await evaluationLock(options.folder);
  const plan = { ...given, strategies, interval: given.interval ?? interval };
  const profiles = named.map((profile) => timeProfile(profile, pair));
  const answers = await runEvaluation({
    ...options,
    pair,
    questions,
    plan,
    logPath: options.logs === true ? join(options.folder, LOG_FILE) : undefined,
  });
  const { models, labels, contextLength } = pair;
  const facts = { models, labels, maxTokens: plan.maxTokens, contextLength, profiles };
  const isScreened = plan.screening !== null;
  const { strategyOptions } = pair;
  const { temperature } = plan;
  const how = { task, facts, isScreened, temperature, strategyOptions };
  const result = evaluationResult(answers, how);
  const path = join(options.folder, RESULT_FILE);
  // Written before the live check, which may be interrupted.
  await writeWhole(path, `${JSON.stringify(result)}\n`, OTHERWISE);
  const { liveCheckCount = 0 } = options;
  const liveCheck =
    liveCheckCount === 0
      ? null
      : await checkLive(answers, { ...options, pair, ...plan, count: liveCheckCount });
  const bills = billTable(result);
  return { result, path, bills, liveCheck, rowCounts: pair.rowCounts() };
}

/** @throws PilotfishError `option-invalid`, `strategy-unknown`, `threshold-invalid` */
function planOf(
  options: EvaluateOptions,
  asked: readonly StrategyValue[],
): Omit<EvaluationPlan, 'interval'> & { readonly interval: ShareInterval | null } {
  const { seedCount = SEED_COUNT, screenShare, shares, interval } = options;
  const { pointCount, maxTokens } = options;
  checkCounts({ seedCount, pointCount, maxTokens });
  checkShares({ screenShare });
  return {
    strategies: requestedStrategies(asked, null),
    interval: interval === undefined ? null : shareInterval(interval),
    shares: shares ?? null,
    pointCount: options.pointCount ?? POINT_COUNT,
    seeds: Array.from({ length: seedCount }, (_, seed) => seed + 1),
    screening: screenShare === undefined ? null : { share: screenShare, seed: SCREENING_SEED },
    maxTokens: options.maxTokens ?? MAX_TOKENS_DEFAULT,
    waveSize: options.waveSize ?? WAVE_SIZE_DEFAULT,
    temperature: options.temperature,
    drawSeed: options.drawSeed,
  };
}

/** The heads of a run, by the name of their strategy. */
type SeenHeads = ReadonlyMap<string, HeadFacts & HeadContent>;

/**
 * The heads that have not seen the questions. Others are left out if the user did not name them.
 * @throws PilotfishError `data-overlap`
 */
function usableHeads(
  pair: EvaluationPair,
  questions: readonly Question[],
  asked: readonly StrategyValue[],
  { strategies, temperature = 0, onNotice }: EvaluateOptions,
): SeenHeads {
  const { routers, rewards } = pair;
  for (const fit of fitsInUse(pair, temperature)) checkTrainedOn(fit, questions);
  const usable = [...routers, ...rewards].filter(([name, head]) => {
    try {
      checkTrainedOn(head, questions);
      const users = asked.filter(({ method }) => method.head?.name === name);
      if (users.some(usesCalibration)) checkCalibratedOn(head, questions);
      return true;
    } catch (error) {
      if (strategies !== undefined || !PilotfishError.isInstance(error)) throw error;
      onNotice?.(`${name} is left out: ${error.message}`);
      return false;
    }
  });
  return new Map<string, HeadFacts & HeadContent>(usable);
}

/** Whether its threshold is one that the head's calibration chose: by a share, or as the default. */
function usesCalibration({ method, threshold, share }: StrategyValue): boolean {
  const runsAtDefault = method.threshold !== null && !choosesModels(method) && threshold === null;
  return share !== null || runsAtDefault;
}

/** @param heads null before they are known; shares are then checked like thresholds */
function requestedStrategies(
  values: readonly StrategyValue[],
  heads: SeenHeads | null,
): readonly RequestedStrategy[] {
  const asked = new Map<Method, (number | null)[]>();
  for (const value of values) {
    const { method } = value;
    const head = heads?.get(method.head?.name ?? '');
    if (heads !== null && head === undefined && method.head !== null) continue;
    asked.set(method, [...(asked.get(method) ?? []), givenThreshold(value, head)]);
  }
  return [...asked].map(([method, all]) => {
    const thresholds = all.filter((threshold) => threshold !== null);
    if (thresholds.length === 0 || thresholds.length === all.length) return { method, thresholds };
    const { name } = method;
    throw new PilotfishError(
      'option-invalid',
      `${name} is requested with and without a threshold.`,
      {
        remedy: `Give ${name} alone to have its points found, or give all of its thresholds.`,
        fields: { strategy: name },
      },
    );
  });
}

/** Null where a user gave neither threshold nor share. */
function givenThreshold(value: StrategyValue, head: HeadFacts | undefined): number | null {
  if (value.share === null || head === undefined) return value.threshold ?? value.share;
  return headThreshold(head, value);
}

/** @throws PilotfishError `profile-unknown`, `profile-invalid` */
async function namedProfiles(options: EvaluateOptions): Promise<readonly MachineProfile[]> {
  const store = profileStore(options);
  const found: MachineProfile[] = [];
  for (const name of options.profiles ?? []) found.push(await store.find(name));
  return found;
}

/** @throws PilotfishError `profile-incomplete` */
function timeProfile(profile: MachineProfile, { models }: ModelsById<EvaluatedModel>): TimeProfile {
  const costs = new Map(
    Object.entries(models).map(([id, model]) => [id, profileCosts(profile, model)]),
  );
  return { name: profile.name, costs, roundTripMs: profile.roundTripMs ?? 0 };
}
