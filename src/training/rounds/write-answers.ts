/**
 * Answers to walk along, written beforehand: by a router's policy, which come to the states that routing
 * really comes to, or drawn from the large model.
 */
import { z } from 'zod';
import { PilotfishError } from '../../core/errors.ts';
import { parseJson } from '../../core/parse-json.ts';
import type { OnProgress } from '../../core/progress.ts';
import type { SamplingParams } from '../../core/sampling-params.ts';
import { tokenIds } from '../../core/token-id.ts';
import { questionHash } from '../../evaluation/question.ts';
import { appendLines, linesOf } from '../../storage/json-lines.ts';
import type { Strategy } from '../../strategy/strategy.ts';
import { rollOut } from '../rollouts/roll-out.ts';
import { runJobsThatFit } from '../rollouts/run-jobs.ts';
import { BRANCH_COUNT } from '../sequence-counts.ts';
import type { TrainingPair } from '../training-pair.ts';
import type { Trajectory, TrajectorySource } from '../trajectory.ts';
import { valueOfText } from '../value-of-text.ts';

/** Who writes. */
export interface Writer {
  /** By content: answers are kept under it. */
  readonly id: string;
  readonly strategy: Strategy;
  readonly sampling: SamplingParams;
  readonly seed: number;
  readonly source: TrajectorySource;
}

export interface WriteAnswersOptions {
  readonly pair: TrainingPair;
  readonly writer: Writer;
  readonly maxTokens: number;
  /** Where answers are kept, and found again. */
  readonly path: string;
  readonly label: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

const LINE = z.object({
  writer: z.string(),
  asked: z.string(),
  tokens: z.array(z.number().int().nonnegative()),
  value: z.number(),
});

type Line = z.infer<typeof LINE>;

/**
 * One for each of the given trajectories, of the same question.
 * @throws PilotfishError `training-invalid`, and as `Sequence.forward`; what was written is kept
 */
export async function writeAnswers(
  like: readonly Trajectory[],
  options: WriteAnswersOptions,
): Promise<readonly Trajectory[]> {
  const { pair, writer, path, signal } = options;
  const known = await knownLines(path, writer.id);
  let done = 0;
  const report = (): void =>
    options.onProgress?.({ label: options.label, done, total: like.length, unit: 'steps' });
  report();
  const write = async (trajectory: Trajectory, jobSignal: AbortSignal): Promise<void> => {
    const asked = questionHash(trajectory.question);
    if (!known.has(asked)) {
      const line = await answer(trajectory, asked, options, jobSignal);
      await appendLines(path, [line]);
      known.set(asked, line);
    }
    done += 1;
    report();
  };
  await runJobsThatFit(like, BRANCH_COUNT, write, signal);
  return like.flatMap(({ question, prompt }) => {
    const line = known.get(questionHash(question));
    if (line === undefined) return [];
    const { tokens, value } = line;
    return [{ question, prompt, source: writer.source, tokens: tokenIds(tokens), value }];
  });

  async function answer(
    { question, prompt }: Trajectory,
    asked: string,
    { maxTokens }: WriteAnswersOptions,
    jobSignal: AbortSignal,
  ): Promise<Line> {
    const written = await rollOut({
      ...{ models: pair, lease: pair.soleLease(), text: prompt, signal: jobSignal },
      ...{ strategy: writer.strategy, sampling: writer.sampling, seed: writer.seed },
      lengthMax: prompt.length + maxTokens,
    });
    const value = valueOfText(written, question, pair.models.large.vocabulary);
    return { writer: writer.id, asked, tokens: [...written], value };
  }
}

async function knownLines(path: string, writer: string): Promise<Map<string, Line>> {
  const known = new Map<string, Line>();
  let lineCount = 0;
  for await (const text of linesOf(path)) {
    lineCount += 1;
    const parsed = LINE.safeParse(parseJson(text));
    if (!parsed.success) throw invalid(path, lineCount);
    if (parsed.data.writer === writer) known.set(parsed.data.asked, parsed.data);
  }
  return known;
}

function invalid(path: string, line: number): PilotfishError {
  return new PilotfishError('training-invalid', `Line ${line} of ${path} is no answer.`, {
    remedy: 'Delete the line: the answer is written again.',
    fields: { path, line },
  });
}
