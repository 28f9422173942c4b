/**
 * Best of n: the reward chooses among whole answers that the small model draws. It tells how well a
 * reward ranks answers of one question, which is harder than to reject a bad step.
 */
import { required } from '../../core/invariant.ts';
import type { Progressing } from '../../core/progress.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import type { TokenId } from '../../core/token-id.ts';
import { largeReads, rewardReads, stepFeatures } from '../../judging/reward-features.ts';
import { type RewardHead, rewardOfRows } from '../../judging/reward-head.ts';
import { readBy } from '../../judging/step-reward.ts';
import { soleSession } from '../../session/sole-session.ts';
import { BoundaryWatch } from '../../session/write-boundary.ts';
import { singleModel } from '../../strategy/single-model.ts';
import { rollOut } from '../rollouts/roll-out.ts';
import { drawSeed } from '../rollouts/rollout-plan.ts';
import { runJobsThatFit } from '../rollouts/run-jobs.ts';
import type { AskedQuestion } from '../steps/label-steps.ts';
import type { TrainingPair } from '../training-pair.ts';
import { valueOfText } from '../value-of-text.ts';

export interface BestOf {
  readonly questionCount: number;
  /** Answers per question. */
  readonly answerCount: number;
  readonly temperature: number;
  /** The accuracy of the answers whose worst step has the best reward. */
  readonly accuracy: number;
  /** The mean accuracy of all answers, and the share of questions with a right one. */
  readonly meanAccuracy: number;
  readonly anyAccuracy: number;
}

export interface BestOfOptions extends Progressing {
  readonly pair: TrainingPair;
  readonly maxTokens: number;
  readonly waveSize: number;
  readonly answerCount: number;
  readonly fit: { readonly seed: number };
}

/** Questions at most. */
const QUESTION_COUNT_MAX = 200;
/** The temperature of drawn answers. */
const TEMPERATURE = 0.7;

/** @throws PilotfishError as `runRequest` */
export async function bestOfN(
  all: readonly AskedQuestion[],
  reward: RewardHead,
  options: BestOfOptions,
): Promise<BestOf> {
  const asked = all.slice(0, QUESTION_COUNT_MAX);
  const { answerCount, waveSize, signal: outer } = options;
  const label = 'Choosing among drawn answers';
  const counts = { chosen: 0, right: 0, any: 0 };
  let done = 0;
  const run = async (one: AskedQuestion, signal: AbortSignal): Promise<void> => {
    const answers: { readonly value: number; readonly score: number }[] = [];
    for (let draw = 0; draw < answerCount; draw += 1) {
      answers.push(await drawnAnswer(one, draw, reward, { ...options, signal }));
    }
    const best = answers.reduce((a, b) => (b.score > a.score ? b : a));
    counts.chosen += best.value;
    counts.right += answers.reduce((sum, { value }) => sum + value, 0) / answerCount;
    counts.any += Math.max(...answers.map(({ value }) => value));
    done += 1;
    options.onProgress?.({ label, done, total: asked.length, unit: 'steps' });
  };
  await runJobsThatFit(asked, waveSize, run, outer);
  const questionCount = asked.length;
  return {
    ...{ questionCount, answerCount, temperature: TEMPERATURE },
    accuracy: counts.chosen / questionCount,
    meanAccuracy: counts.right / questionCount,
    anyAccuracy: counts.any / questionCount,
  };
}

async function drawnAnswer(
  { question, prompt }: AskedQuestion,
  draw: number,
  reward: RewardHead,
  { pair, maxTokens, fit, signal }: BestOfOptions & { readonly signal: AbortSignal },
): Promise<{ readonly value: number; readonly score: number }> {
  const answer = await rollOut({
    ...{ models: pair, lease: pair.soleLease(), strategy: singleModel('small'), text: prompt },
    ...{ lengthMax: prompt.length + maxTokens, signal },
    ...{ sampling: { ...GREEDY, temperature: TEMPERATURE }, seed: drawSeed(fit, draw) },
  });
  const value = valueOfText(answer, question, pair.models.small.vocabulary);
  return { value, score: await scoreOf(prompt, answer, reward, { pair, signal }) };
}

/** The reward of the answer's worst step, as in the strategy `best-of-n`. */
async function scoreOf(
  prompt: readonly TokenId[],
  answer: readonly TokenId[],
  reward: RewardHead,
  { pair, signal }: Pick<BestOfOptions, 'pair'> & { readonly signal: AbortSignal },
): Promise<number> {
  const { features, separators } = reward;
  const sampling = { vocabularySize: pair.vocabularySize, sampling: GREEDY, seed: 0 };
  const options = { promptLength: prompt.length, sampling, signal };
  await using small = soleSession(pair.models.small, options);
  await using large = soleSession(pair.models.large, options);
  const text = { text: [...prompt, ...answer], rows: answer };
  const bySmall = await readBy(small, text, { ...rewardReads(features), textLogprob: true });
  const reads = largeReads(features);
  const byLarge = reads === null ? null : await readBy(large, text, reads);
  let [score, from] = [1, 0];
  const watch = (): BoundaryWatch =>
    new BoundaryWatch({ texts: separators, tokenCountMax: answer.length }, pair);
  let boundary = watch();
  for (const [at, token] of answer.entries()) {
    boundary.push(token);
    if (!boundary.isReached && at + 1 < answer.length) continue;
    const rows = bySmall.slice(from, at + 1).map((row) => ({ ...row, logprob: row.textLogprob }));
    const halves = stepFeatures(
      { small: rows, large: byLarge?.slice(from, at + 1) ?? null },
      features,
    );
    score = Math.min(score, rewardOfRows(halves, reward));
    from = at + 1;
    boundary = watch();
  }
  return required(Number.isFinite(score) ? score : null, 'rewards are probabilities');
}
