/**
 * A wave: some questions at once, under one strategy, with their forwards batched by the engine.
 * Waves are fixed sections of the question list, and one ends before the next begins. So the
 * batches, and with them the last digits of logits, do not depend on the speed of the machine.
 */
import { setMaxListeners } from 'node:events';
import type { EngineEvent } from '../../core/events.ts';
import type { Engine } from '../../engine/engine.ts';
import { strategyValue } from '../../strategy/strategy-value.ts';
import { answerKey } from '../graders/answer-key.ts';
import type { Question } from '../question.ts';
import { type AnswerRecord, recordOf } from './answer-record.ts';
import { type EvaluationPoint, requestSeed } from './evaluation-point.ts';
import { ofQuestion } from './question-error.ts';

/** All requests of a wave listen to one signal. */
const LISTENERS_PER_REQUEST = 4;

export interface WaveOptions {
  readonly engine: Pick<Engine, 'generate'>;
  readonly maxTokens: number;
  readonly temperature?: number | undefined;
  readonly drawSeed?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with the events of every answer when it has ended. */
  readonly onEvents?: ((question: Question, events: readonly EngineEvent[]) => void) | undefined;
  readonly onAnswer?: (() => void) | undefined;
}

/**
 * @throws PilotfishError of the first request that fails, naming its question; cancels the others
 */
export async function runWave(
  questions: readonly Question[],
  point: EvaluationPoint,
  options: WaveOptions,
): Promise<readonly AnswerRecord[]> {
  const failed = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, failed.signal]) : failed.signal;
  setMaxListeners(LISTENERS_PER_REQUEST * questions.length, signal);
  const answers = questions.map(async (question) => {
    try {
      return await answer(question, point, { ...options, signal });
    } catch (error) {
      const named = ofQuestion(error, question);
      failed.abort(named);
      throw named;
    }
  });
  // No request may still run when this ends.
  const settled = await Promise.allSettled(answers);
  if (failed.signal.aborted) throw failed.signal.reason;
  return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

async function answer(
  question: Question,
  point: EvaluationPoint,
  options: WaveOptions & { readonly signal: AbortSignal },
): Promise<AnswerRecord> {
  const events: EngineEvent[] = [];
  const request = {
    messages: question.messages,
    strategy: strategyValue(point.method, point.threshold),
    seed: requestSeed(point, question.id, options.drawSeed),
    sampling: { temperature: options.temperature ?? 0 },
    maxTokens: options.maxTokens,
    finalAnswer: (text: string) => answerKey(text, question),
    // Each answer has the cost of a run alone, whatever ran before it.
    reusePrefix: false,
    signal: options.signal,
  };
  for await (const event of options.engine.generate(request)) events.push(event);
  options.onEvents?.(question, events);
  options.onAnswer?.();
  return recordOf(point, question, events);
}
