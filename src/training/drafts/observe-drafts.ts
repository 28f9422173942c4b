/**
 * Answers questions as hybrid inference does when it transmits everything, and keeps what each draft
 * tells: the texts follow the large model's distribution, and every draft is one of the small model.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { required } from '../../core/invariant.ts';
import { seedOfDraw } from '../../core/noise.ts';
import type { Progressing } from '../../core/progress.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import { questionNumber } from '../../evaluation/question-key.ts';
import { perturbationGate } from '../../judging/perturbation.ts';
import { hybrid } from '../../strategy/uhlm.ts';
import { rollOut } from '../rollouts/roll-out.ts';
import { runCounted } from '../rollouts/run-jobs.ts';
import type { AskedQuestion } from '../steps/label-steps.ts';
import type { TrainingPair } from '../training-pair.ts';
import { openDrafts } from './draft-store.ts';
import { type ObservedDraft, observedDraft } from './observed-draft.ts';

export interface DraftPlan {
  /** The most tokens of an answer. */
  readonly maxTokens: number;
  /** 0: greedy. */
  readonly temperature: number;
  readonly seed: number;
}

export interface ObserveOptions extends DraftPlan, Progressing {
  readonly pair: TrainingPair;
  /** Questions at work side by side. */
  readonly waveSize: number;
  /** The folder of the drafts. An interrupted run continues there. */
  readonly folder: string;
}

/**
 * @returns [question] its drafts, in the order of its answer
 * @throws PilotfishError as `runRequest`, `training-invalid`; what is kept until then stays valid
 */
export async function observeDrafts(
  asked: readonly AskedQuestion[],
  options: ObserveOptions,
): Promise<readonly (readonly ObservedDraft[])[]> {
  const store = await openDrafts(join(options.folder, 'drafts.jsonl'));
  const keyed = asked.map((one) => ({ ...one, key: keyOf(one, options) }));
  const missing = keyed.filter((one) => !store.has(one));
  await runCounted(missing, 'Drafting answers', options, async (one, signal) => {
    const drafts = await draftsOf(one, { ...options, signal });
    await store.add({ key: one.key, drafts });
  });
  return keyed.map((one) => required(store.get(one), 'it was drafted').drafts);
}

async function draftsOf(
  { question, prompt }: AskedQuestion,
  { pair, maxTokens, temperature, seed, signal }: ObserveOptions,
): Promise<readonly ObservedDraft[]> {
  const drafts: ObservedDraft[] = [];
  const isEndOfGeneration = pair.isEndOfGeneration.bind(pair);
  const strategy = hybrid('hlm', {
    gate: perturbationGate,
    // Below every uncertainty: all drafts are transmitted.
    threshold: -1,
    observe: (seen) => drafts.push(observedDraft(seen, { temperature, isEndOfGeneration })),
  });
  await rollOut({
    ...{ models: pair, lease: pair.soleLease(), strategy, text: prompt, signal },
    lengthMax: prompt.length + maxTokens,
    sampling: { ...GREEDY, temperature },
    // Noise belongs to positions, which all answers have in common.
    seed: seedOfDraw(seed, 1 + questionNumber(question)),
  });
  return drafts;
}

const DIGEST_DIGITS = 16;

function keyOf(
  { question, prompt }: AskedQuestion,
  { maxTokens, temperature, seed }: DraftPlan,
): string {
  // Greedy drafts are the same for every seed.
  const facts = JSON.stringify([prompt, maxTokens, temperature, temperature === 0 ? null : seed]);
  const digest = createHash('sha256').update(facts).digest('hex').slice(0, DIGEST_DIGITS);
  return `${question.id} ${digest}`;
}
