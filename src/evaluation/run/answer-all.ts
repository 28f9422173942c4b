/**
 * Answers questions under points, wave after wave, and stores all answers of a wave before the next
 * one. Stored answers are not asked for again, so an evaluation can be stopped at any moment.
 */

import { throwIfAborted } from '../../core/errors.ts';
import type { EngineEvent } from '../../core/events.ts';
import type { Progressing } from '../../core/progress.ts';
import { appendLines } from '../../storage/json-lines.ts';
import type { Question } from '../question.ts';
import type { AnswerStore } from './answer-store.ts';
import type { EvaluationPair } from './evaluation-pair.ts';
import type { EvaluationPlan } from './evaluation-plan.ts';
import { type EvaluationPoint, namedPoint, pointKey } from './evaluation-point.ts';
import { runWave } from './run-wave.ts';

export interface AnsweringOptions
  extends Progressing,
    Pick<EvaluationPlan, 'maxTokens' | 'waveSize' | 'temperature' | 'drawSeed'> {
  readonly pair: EvaluationPair;
  readonly store: AnswerStore;
  /** The log of every event; absent: no log. */
  readonly logPath?: string | undefined;
}

/** @throws PilotfishError `aborted`, and the errors of requests; the answers so far are kept */
export async function answerAll(
  questions: readonly Question[],
  points: readonly EvaluationPoint[],
  label: string,
  options: AnsweringOptions,
): Promise<void> {
  const { pair, store, waveSize, maxTokens, temperature, drawSeed, signal } = options;
  const total = questions.length * points.length;
  let done = 0;
  const advance = (count: number): void => {
    done += count;
    options.onProgress?.({ label, done, total, unit: 'steps' });
  };
  const answerWave = async (wave: readonly Question[]): Promise<void> => {
    for (const point of points) {
      throwIfAborted(signal);
      const missing = wave.filter((question) => !store.has(point, question));
      advance(wave.length - missing.length);
      if (missing.length === 0) continue;
      const lines: LoggedEvent[] = [];
      pair.begin();
      const records = await runWave(missing, point, {
        engine: pair.engine,
        ...{ maxTokens, temperature, drawSeed, signal },
        onAnswer: () => advance(1),
        onEvents: (question, events) => lines.push(...logged(point, question, events)),
      });
      if (options.logPath !== undefined) await appendLines(options.logPath, lines);
      await pair.flush();
      await store.add(records);
    }
  };
  for (const wave of wavesOf(questions, waveSize)) {
    try {
      await answerWave(wave);
    } catch (error) {
      // Rows of an unfinished wave are not kept. With them the wave would run in different batches
      // the next time, and its last digits would differ from those of an uninterrupted wave.
      pair.drop();
      throw error;
    }
    await pair.release();
  }
}

/** Fixed sections of a list. */
export function wavesOf<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, wave) => items.slice(wave * size, (wave + 1) * size));
}

/** An event of one of many runs. */
type LoggedEvent = EngineEvent & { readonly run: string };

function logged(
  point: EvaluationPoint,
  question: Question,
  events: readonly EngineEvent[],
): readonly LoggedEvent[] {
  const run = `${pointKey(namedPoint(point))} ${question.id}`;
  return events.map((event) => ({ run, ...event }));
}
