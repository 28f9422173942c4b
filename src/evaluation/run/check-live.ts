/**
 * Checks remembered rows: the models themselves give some answers again, one request at a time with
 * nothing remembered, and the answers are compared. Forwards of other widths differ in their last
 * digits, so texts part where two tokens are nearly equal; the check measures how often.
 */

import { required } from '../../core/invariant.ts';
import { mix } from '../../core/noise.ts';
import type { Progressing } from '../../core/progress.ts';
import { grade } from '../graders/grade.ts';
import { answerText } from './answer-record.ts';
import type { EvaluationPair } from './evaluation-pair.ts';
import type { EvaluatedAnswers } from './run-evaluation.ts';
import { runWave } from './run-wave.ts';

export interface LiveCheck {
  readonly count: number;
  /** The answers with the same tokens and the same origins. */
  readonly sameCount: number;
  /** The answers with the same grade. */
  readonly sameGradeCount: number;
  /** The large share of the remembered answers, and that of the live ones. */
  readonly largeShare: number;
  readonly liveLargeShare: number;
}

export interface CheckLiveOptions extends Progressing {
  readonly pair: EvaluationPair;
  readonly count: number;
  readonly maxTokens: number;
}

const SEED = 1;

export async function checkLive(
  answers: EvaluatedAnswers,
  options: CheckLiveOptions,
): Promise<LiveCheck> {
  const { pair, maxTokens, signal } = options;
  const pairs = answers.points.flatMap(({ method, threshold, seed }) =>
    answers.chosen.map((question) => ({ point: { method, threshold, seed }, question })),
  );
  const drawn = byLot(pairs).slice(0, options.count);
  const tally = {
    sameCount: 0,
    sameGradeCount: 0,
    tokens: 0,
    large: 0,
    liveTokens: 0,
    liveLarge: 0,
  };
  await pair.remember(false);
  try {
    for (const [index, { point, question }] of drawn.entries()) {
      const before = required(answers.store.get(point, question), 'the question was answered');
      const wave = { engine: pair.engine, maxTokens, signal };
      pair.begin();
      const live = required((await runWave([question], point, wave))[0], 'one answer');
      const isSame =
        before.tokenIds.join() === live.tokenIds.join() && before.origins === live.origins;
      const [first, again] = [before, live].map((one) => grade(answerText(one), question).isRight);
      tally.sameCount += Number(isSame);
      tally.sameGradeCount += Number(first === again);
      tally.tokens += before.origins.length;
      tally.large += largeCount(before.origins);
      tally.liveTokens += live.origins.length;
      tally.liveLarge += largeCount(live.origins);
      const done = { done: index + 1, total: drawn.length, unit: 'steps' as const };
      options.onProgress?.({ label: 'Answering again, nothing remembered', ...done });
    }
  } finally {
    await pair.remember(true);
  }
  const { sameCount, sameGradeCount, tokens, large, liveTokens, liveLarge } = tally;
  return {
    count: drawn.length,
    sameCount,
    sameGradeCount,
    largeShare: large / Math.max(1, tokens),
    liveLargeShare: liveLarge / Math.max(1, liveTokens),
  };
}

function largeCount(origins: string): number {
  return [...origins].filter((letter) => letter === 'l').length;
}

/** Shuffles in an order that depends only on the seed. */
function byLot<T>(items: readonly T[]): readonly T[] {
  return items
    .map((item, index) => ({ item, lot: mix(index, SEED, SEED) }))
    .sort((a, b) => a.lot - b.lot)
    .map(({ item }) => item);
}
