/**
 * Writes answers as trajectories for labels. A router's policy writes answers that pass through the
 * states that routing really leads to. Others are drawn from the large model.
 */
import { z } from 'zod';
import { required } from '../../core/invariant.ts';
import type { Progressing } from '../../core/progress.ts';
import type { SamplingParams } from '../../core/sampling-params.ts';
import { tokenIds } from '../../core/token-id.ts';
import { questionHash } from '../../evaluation/question.ts';
import { RecordStore, recordReader } from '../../storage/record-store.ts';
import type { Strategy } from '../../strategy/strategy.ts';
import { rollOut } from '../rollouts/roll-out.ts';
import { runJobsThatFit } from '../rollouts/run-jobs.ts';
import { BRANCH_COUNT } from '../sequence-counts.ts';
import type { TrainingPair } from '../training-pair.ts';
import type { Trajectory, TrajectorySource } from '../trajectory.ts';
import { valueOfText } from '../value-of-text.ts';

/** The writer of answers: a strategy with its sampling and seed. */
export interface Writer {
  /** Names the writer by its content. Answers are kept under it. */
  readonly id: string;
  readonly strategy: Strategy;
  readonly sampling: SamplingParams;
  readonly seed: number;
  readonly source: TrajectorySource;
}

export interface WriteAnswersOptions extends Progressing {
  readonly pair: TrainingPair;
  readonly writer: Writer;
  readonly maxTokens: number;
  /** The file where answers are stored and found again. */
  readonly path: string;
  readonly label: string;
}

const LINE = z.object({
  writer: z.string(),
  asked: z.string(),
  tokens: z.array(z.number().int().nonnegative()),
  value: z.number(),
});

type Line = z.infer<typeof LINE>;

/**
 * @returns one answer for each of the given trajectories, to the same question
 * @throws PilotfishError `training-invalid`, and as `Sequence.forward`; finished answers are kept
 */
export async function writeAnswers(
  like: readonly Trajectory[],
  options: WriteAnswersOptions,
): Promise<readonly Trajectory[]> {
  const { pair, writer, path, signal } = options;
  const written = await openWritten(path);
  const keyOf = ({ question }: Trajectory): WrittenKey => {
    return { writer: writer.id, asked: questionHash(question) };
  };
  let done = 0;
  const report = (): void =>
    options.onProgress?.({ label: options.label, done, total: like.length, unit: 'steps' });
  report();
  const write = async (trajectory: Trajectory, jobSignal: AbortSignal): Promise<void> => {
    const key = keyOf(trajectory);
    if (!written.has(key)) await written.add(await answer(trajectory, key, options, jobSignal));
    done += 1;
    report();
  };
  await runJobsThatFit(like, BRANCH_COUNT, write, signal);
  return like.map((trajectory) => {
    const { question, prompt } = trajectory;
    const { tokens, value } = required(written.get(keyOf(trajectory)), 'all were written');
    return { question, prompt, source: writer.source, tokens: tokenIds(tokens), value };
  });

  async function answer(
    { question, prompt }: Trajectory,
    key: WrittenKey,
    { maxTokens }: WriteAnswersOptions,
    jobSignal: AbortSignal,
  ): Promise<Line> {
    const tokens = await rollOut({
      ...{ models: pair, lease: pair.soleLease(), text: prompt, signal: jobSignal },
      ...{ strategy: writer.strategy, sampling: writer.sampling, seed: writer.seed },
      lengthMax: prompt.length + maxTokens,
    });
    const value = valueOfText(tokens, question, pair.models.large.vocabulary);
    return { ...key, tokens: [...tokens], value };
  }
}

type WrittenKey = Pick<Line, 'writer' | 'asked'>;

function openWritten(path: string): Promise<RecordStore<Line, WrittenKey>> {
  return RecordStore.open<Line, WrittenKey>(path, {
    noun: 'answer',
    read: recordReader(LINE),
    keyOf: ({ writer, asked }) => `${writer} ${asked}`,
    code: 'training-invalid',
    remedy: 'Delete the line: the answer is written again.',
  });
}
