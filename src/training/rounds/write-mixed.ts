/** Answers that a router's policy writes: the states that routing really comes to. */
import { z } from 'zod';
import { PilotfishError } from '../../core/errors.ts';
import type { OnProgress } from '../../core/progress.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import { tokenIds } from '../../core/token-id.ts';
import { appendLines, linesOf, parsedJson } from '../../evaluation/growing-file.ts';
import { questionHash } from '../../evaluation/question.ts';
import { BRANCH_COUNT } from '../labels/label-trajectories.ts';
import { Trunk } from '../readings/trunk.ts';
import type { Policy } from '../rollouts/policy.ts';
import { rollOut } from '../rollouts/roll-out.ts';
import { runJobs } from '../rollouts/run-jobs.ts';
import type { TrainingPair } from '../training-pair.ts';
import type { Trajectory } from '../trajectory.ts';
import { valueOfText } from '../value-of-text.ts';

export interface WriteMixedOptions {
  readonly pair: TrainingPair;
  readonly policy: Policy;
  readonly maxTokens: number;
  /** Where answers are kept, and found again. */
  readonly path: string;
  readonly label: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
}

const LINE = z.object({
  policy: z.string(),
  asked: z.string(),
  tokens: z.array(z.number().int().nonnegative()),
  value: z.number(),
});

type Line = z.infer<typeof LINE>;

/**
 * One for each of the given trajectories, of the same question.
 * @throws PilotfishError `training-invalid`, and as `Sequence.forward`; what was written is kept
 */
export async function writeMixed(
  like: readonly Trajectory[],
  options: WriteMixedOptions,
): Promise<readonly Trajectory[]> {
  const { pair, policy, path, signal } = options;
  const known = await knownLines(path, policy.id);
  let done = 0;
  const write = async (trajectory: Trajectory, jobSignal: AbortSignal): Promise<void> => {
    const asked = questionHash(trajectory.question);
    if (!known.has(asked)) {
      const line = await answer(trajectory, asked, options, jobSignal);
      await appendLines(path, [line]);
      known.set(asked, line);
    }
    done += 1;
    options.onProgress?.({ label: options.label, done, total: like.length, unit: 'steps' });
  };
  await runJobs(like, BRANCH_COUNT, write, signal);
  return like.flatMap(({ question, prompt }) => {
    const line = known.get(questionHash(question));
    if (line === undefined) return [];
    const { tokens, value } = line;
    return [{ question, prompt, source: 'mixed', tokens: tokenIds(tokens), value }];
  });

  async function answer(
    { question, prompt }: Trajectory,
    asked: string,
    { maxTokens }: WriteMixedOptions,
    jobSignal: AbortSignal,
  ): Promise<Line> {
    await using trunk = new Trunk(pair, prompt);
    const written = await rollOut({
      ...{ pair, trunk, strategy: policy.strategy, text: prompt, signal: jobSignal },
      lengthMax: prompt.length + maxTokens,
      sampling: GREEDY,
      seed: 0,
    });
    const value = valueOfText(written, question, pair.models.large.vocabulary);
    return { policy: policy.id, asked, tokens: [...written], value };
  }
}

async function knownLines(path: string, policy: string): Promise<Map<string, Line>> {
  const known = new Map<string, Line>();
  let lineCount = 0;
  for await (const text of linesOf(path)) {
    lineCount += 1;
    const parsed = LINE.safeParse(parsedJson(text));
    if (!parsed.success) throw invalid(path, lineCount);
    if (parsed.data.policy === policy) known.set(parsed.data.asked, parsed.data);
  }
  return known;
}

function invalid(path: string, line: number): PilotfishError {
  return new PilotfishError('training-invalid', `Line ${line} of ${path} is no answer.`, {
    remedy: 'Delete the line: the answer is written again.',
    fields: { path, line },
  });
}
