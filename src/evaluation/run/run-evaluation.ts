/**
 * Runs an evaluation, from its questions to the answers under every point:
 *
 * 1. both models alone answer all questions;
 * 2. the questions to run are chosen;
 * 3. gates score the large model's answers, which gives the thresholds;
 * 4. every strategy answers at its points.
 */
import { join } from 'node:path';
import { throwIfAborted } from '../../core/errors.ts';
import { required } from '../../core/invariant.ts';
import type { Progressing } from '../../core/progress.ts';
import { tokenIds } from '../../core/token-id.ts';
import type { Gate } from '../../judging/gate.ts';
import { routerGate } from '../../judging/router-gate.ts';
import { isRandomControl, type Method } from '../../strategy/method.ts';
import { METHODS } from '../../strategy/methods.ts';
import { POINTS_MIN } from '../curves/interval-mean.ts';
import type { ShareInterval } from '../curves/share-interval.ts';
import { type TokenEvidence, teacherForced } from '../evidence/teacher-forced.ts';
import { grade } from '../graders/grade.ts';
import { type Question, questionHash } from '../question.ts';
import { chooseSample, screeningStratum } from '../screening/choose-sample.ts';
import { fullDesign, type SampleDesign } from '../screening/sample-design.ts';
import { type AnsweringOptions, answerAll } from './answer-all.ts';
import { answerText } from './answer-record.ts';
import { AnswerStore } from './answer-store.ts';
import type { EvaluationPair } from './evaluation-pair.ts';
import {
  type EvaluationPlan,
  givenPoints,
  judgesAnswers,
  LARGE_ALONE,
  type PlannedPoint,
  pointsForShare,
  type ScoreEvidence,
  SMALL_ALONE,
  scoringPoint,
  shareMethods,
} from './evaluation-plan.ts';
import type { EvaluationPoint } from './evaluation-point.ts';
import { openEvidence } from './evidence-store.ts';
import { measuredShare } from './measured-share.ts';
import { firstShares, nextShare } from './next-share.ts';
import { oneSidedRewards } from './one-sided-rewards.ts';
import { openManifest } from './open-manifest.ts';
import { promptsOf } from './prompts-of.ts';

export interface RunEvaluationOptions extends Progressing {
  readonly pair: EvaluationPair;
  readonly questions: readonly Question[];
  readonly plan: EvaluationPlan;
  /** The folder of the answers. */
  readonly folder: string;
  readonly logPath?: string | undefined;
}

/** The inputs of results. */
export interface EvaluatedAnswers {
  readonly store: AnswerStore;
  readonly questions: readonly Question[];
  /** The questions that strategies ran on; `design` holds their weights. */
  readonly chosen: readonly Question[];
  readonly design: SampleDesign;
  /** The gates that scored the tokens of the evidence. */
  readonly gates: readonly Gate[];
  readonly evidence: readonly TokenEvidence[];
  readonly points: readonly PlannedPoint[];
  /** The costs over which curves are compared. */
  readonly interval: ShareInterval;
}

/** The fewest questions of each stratum that run: two are needed for a variance. */
const STRATUM_MINIMUM = 8;

/** @throws PilotfishError; the answers so far are kept, and not asked for again */
export async function runEvaluation(options: RunEvaluationOptions): Promise<EvaluatedAnswers> {
  const { questions, plan, pair, folder } = options;
  const prompts = promptsOf(questions, pair);
  const { codes } = await openManifest(folder, pair, plan);
  await pair.share(prompts);
  const store = await AnswerStore.open(join(folder, 'answers.jsonl'), codes);
  const answering = { ...options, ...plan, store };
  await answerAll(questions, [SMALL_ALONE, LARGE_ALONE], 'Answering with either model', answering);
  const { chosen, design } = chooseQuestions(store, questions, plan);
  const { gates, tokens } = await readEvidence(chosen, answering);
  const judged = await scoreAnswers(chosen, answering);
  const evidence = { weights: design.weights, tokens, answers: judged };
  const points = await answerPoints({ ...answering, chosen, design }, evidence);
  for (const notice of oneSidedRewards(points, { store, chosen, pair })) options.onNotice?.(notice);
  return {
    store,
    questions,
    chosen,
    design,
    gates,
    evidence: tokens,
    points,
    interval: plan.interval,
  };
}

type PointAnswering = Answering & Pick<EvaluatedAnswers, 'chosen' | 'design'>;

const ANSWERING_LABEL = 'Answering with every strategy';

/** The most points that are added to a curve, in a row. */
const ADDED_COUNT_MAX = 6;

/** Runs given thresholds and shares at once; without them, curves reach over the interval. */
async function answerPoints(
  options: PointAnswering,
  evidence: ScoreEvidence,
): Promise<readonly PlannedPoint[]> {
  const { plan, chosen } = options;
  const { interval, pointCount } = plan;
  const methods = shareMethods(plan);
  const shares = plan.shares ?? firstShares(interval, pointCount);
  const points = givenPoints(plan, evidence);
  const add = async (more: readonly (readonly [method: Method, share: number])[]) => {
    for (const [method, share] of more) {
      const found = pointsForShare(method, share, plan, evidence);
      if (plan.shares !== null) noticeShare(method, share, found[0]?.predictedShare, options);
      points.push(...found.filter((point) => !points.some((known) => isSame(known, point))));
    }
    await answerAll(chosen, points.map(bare), ANSWERING_LABEL, options);
  };
  await add(methods.flatMap((method) => shares.map((share) => [method, share] as const)));
  if (plan.shares !== null || pointCount < POINTS_MIN) return points;
  const asked = new Map(methods.map((method) => [method, [...shares]]));
  for (let added = 0; added < ADDED_COUNT_MAX; added += 1) {
    const more = [...asked].flatMap(([method, all]) => {
      const share = nextShare(
        all.map((one) => ({ asked: one, measured: measured(method, one, options, evidence) })),
        interval,
      );
      if (share !== null) all.push(share);
      return share === null ? [] : [[method, share] as const];
    });
    if (more.length === 0) break;
    await add(more);
  }
  return points;
}

/** How far the nearest possible share may be off, as a part of the wanted one. */
const OFF_SHARE_MAX = 0.1;
/** The same in shares. */
const OFF_MAX = 0.01;

/** Equal scores stay together, so some shares cannot be had. */
function noticeShare(
  { name }: Method,
  wanted: number,
  nearest: number | null | undefined,
  { onNotice }: Progressing,
): void {
  const off = Math.abs((nearest ?? wanted) - wanted);
  if (off <= Math.max(OFF_MAX, OFF_SHARE_MAX * wanted)) return;
  const percent = (share: number): string => `${Number((100 * share).toPrecision(3))} %`;
  onNotice?.(
    `${name} cannot call for ${percent(wanted)}: too many scores are equal, or there are too few. ` +
      `It is run at the nearest share, ${percent(nearest ?? wanted)}.`,
  );
}

/** The measured share of a method's answers at an asked share, seeds averaged. */
function measured(
  method: Method,
  share: number,
  { plan, chosen, design, store, pair }: PointAnswering,
  evidence: ScoreEvidence,
): number {
  const facts = { ...pair, maxTokens: plan.maxTokens, profiles: [] };
  const own = pointsForShare(method, share, plan, evidence).map((point) =>
    measuredShare(bare(point), { store, chosen, design, facts }),
  );
  return own.reduce((sum, one) => sum + one, 0) / own.length;
}

function isSame(a: PlannedPoint, b: PlannedPoint): boolean {
  return a.method === b.method && a.threshold === b.threshold && a.seed === b.seed;
}

function isRight(store: AnswerStore, point: EvaluationPoint, question: Question): boolean {
  const record = required(store.get(bare(point), question), 'the question was answered');
  return grade(answerText(record), question).isRight;
}

function bare({ method, threshold, seed }: EvaluationPoint): EvaluationPoint {
  return { method, threshold, seed };
}

/** Questions on which both models do equally well say little: only a sample of them runs. */
function chooseQuestions(
  store: AnswerStore,
  questions: readonly Question[],
  { screening }: EvaluationPlan,
): Pick<EvaluatedAnswers, 'chosen' | 'design'> {
  if (screening === null) return { chosen: questions, design: fullDesign(questions.length) };
  const strata = questions.map((question) =>
    screeningStratum(isRight(store, SMALL_ALONE, question), isRight(store, LARGE_ALONE, question)),
  );
  const { positions, design } = chooseSample(strata, {
    concordant: { share: screening.share },
    minimumPerStratum: STRATUM_MINIMUM,
    seed: screening.seed,
  });
  const chosen = positions.map((at) => required(questions[at], 'a position of a question'));
  return { chosen, design };
}

type Answering = AnsweringOptions & RunEvaluationOptions;

interface GatesAndTokens {
  /** The gates that scored every token. */
  readonly gates: readonly Gate[];
  readonly tokens: readonly TokenEvidence[];
}

async function readEvidence(
  questions: readonly Question[],
  options: Answering,
): Promise<GatesAndTokens> {
  const { pair, store, signal, plan } = options;
  const gates = gatesOf(options);
  const planned = new Set(plan.strategies.flatMap(({ method }) => method.gate ?? []));
  const kept = await openEvidence(join(options.folder, 'evidence.jsonl'));
  const all: TokenEvidence[] = [];
  const label = "Reading the large model's answers";
  for (const [index, question] of questions.entries()) {
    throwIfAborted(signal);
    const asked = questionHash(question);
    const known = kept.get({ asked });
    // A folder of an earlier version lacks gates of this one. Only a gate in the plan causes
    // another read.
    const isWhole =
      known !== null && gates.every((gate) => gate.name in known.scores || !planned.has(gate));
    const found = isWhole ? known : await evidenceOf(question, gates, { pair, store }, signal);
    // The scores of other gates from before are kept.
    const whole = isWhole ? known : { ...found, scores: { ...known?.scores, ...found.scores } };
    if (!isWhole) await kept.add(whole);
    all.push(whole);
    options.onProgress?.({ label, done: index + 1, total: questions.length, unit: 'steps' });
  }
  const complete = gates.filter(({ name }) => all.every(({ scores }) => name in scores));
  return {
    gates: complete,
    tokens: all.map((one) => ({ ...one, scores: scoresOf(one, complete) })),
  };
}

function scoresOf({ scores }: TokenEvidence, gates: readonly Gate[]): TokenEvidence['scores'] {
  return Object.fromEntries(gates.map(({ name }) => [name, scores[name] ?? []]));
}

/** All gates that need no training, except random controls; and the routers of the plan. */
function gatesOf({ plan, pair }: RunEvaluationOptions): readonly Gate[] {
  const planned = plan.strategies.map(({ method }) => method);
  const methods = [...new Set([...METHODS, ...planned])];
  const plain = methods.filter((method) => !isRandomControl(method));
  const learned = planned.flatMap(({ name }) => pair.routers.get(name) ?? []);
  return [...new Set(plain.flatMap(({ gate }) => gate ?? [])), ...learned.map(routerGate)];
}

function evidenceOf(
  question: Question,
  gates: readonly Gate[],
  { pair, store }: { readonly pair: EvaluationPair; readonly store: AnswerStore },
  signal: AbortSignal | undefined,
): Promise<TokenEvidence> {
  const record = required(store.get(LARGE_ALONE, question), 'the large model answered');
  const transcript = {
    question: question.id,
    asked: questionHash(question),
    prompt: pair.engine.promptTokens({ messages: question.messages }),
    answer: tokenIds(record.tokenIds),
  };
  pair.begin();
  const { small, vocabularySize } = pair;
  const pool = pair.pools.small ?? undefined;
  return teacherForced(small, transcript, { gates, vocabularySize, pool, signal });
}

/** The scores of the small model's answers by methods with larger units. */
async function scoreAnswers(
  questions: readonly Question[],
  options: Answering,
): Promise<ScoreEvidence['answers']> {
  const methods = options.plan.strategies.map(({ method }) => method).filter(judgesAnswers);
  const points = methods.map(scoringPoint);
  await answerAll(questions, points, "Scoring the small model's answers", options);
  const scoresOf = (point: EvaluationPoint, question: Question): readonly number[] => {
    const record = required(options.store.get(point, question), 'the answer was scored');
    const scores = (record.scores ?? []).filter((score) => score !== null);
    // Every token has the score of its unit. An answer is judged once, however long it is.
    return point.method.unit === 'query' ? scores.slice(0, 1) : scores;
  };
  return Object.fromEntries(
    points.map((point) => [
      point.method.name,
      questions.map((question) => scoresOf(point, question)),
    ]),
  );
}
