/**
 * What gates would see along the large model's own answers: one reading of each by the small model
 * gives, for every token, what the small model would have written there and every gate's score. So
 * all gates and thresholds are judged at once, before any of them runs.
 */

import { seededDraws } from '../../core/draws.ts';
import { invariant } from '../../core/invariant.ts';
import { joinReads } from '../../core/row-reads.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import type { TokenId } from '../../core/token-id.ts';
import type { Gate } from '../../judging/gate.ts';
import type { LanguageModel } from '../../model/roles.ts';
import type { SequencePool } from '../../model/sequence-source.ts';
import { soleSession } from '../../session/sole-session.ts';

/** Of one answer of the large model. */
export interface TokenEvidence {
  readonly question: string;
  /** `questionHash` of it. */
  readonly asked: string;
  /** A digit for each token: 1 where the small model would have written another one. */
  readonly differs: string;
  /** By gate, the score at each token. */
  readonly scores: Readonly<Record<string, readonly number[]>>;
}

export interface Transcript {
  readonly question: string;
  readonly asked: string;
  readonly prompt: readonly TokenId[];
  /** What the large model wrote, its end token included. */
  readonly answer: readonly TokenId[];
}

export interface TeacherForcing {
  /** Whose scores are wanted; none that tosses coins. */
  readonly gates: readonly Gate[];
  /** Ids from there on are masked. */
  readonly vocabularySize: number;
  /** The small model's sequences. Default: it reads every transcript from its beginning. */
  readonly pool?: SequencePool | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @throws PilotfishError as `Session.rows` */
export async function teacherForced(
  small: LanguageModel,
  { prompt, answer, question, asked }: Transcript,
  { gates, vocabularySize, pool, signal }: TeacherForcing,
): Promise<TokenEvidence> {
  await using session = soleSession(small, {
    promptLength: prompt.length,
    pool,
    sampling: { vocabularySize, sampling: GREEDY, seed: 0 },
    ...(signal === undefined ? {} : { signal }),
  });
  const rows = await session.rows({
    text: [...prompt, ...answer.slice(0, -1)],
    outputCount: answer.length,
    purpose: 'verify',
    reads: joinReads(...gates.map(({ reads }) => reads)),
  });
  invariant(rows.length === answer.length, 'a row for every token');
  const scoresOf = (gate: Gate): readonly number[] =>
    rows.map((row, index) => gate.score(row, prompt.length + index, NO_COINS));
  return {
    question,
    asked,
    differs: rows
      .map(({ tokenId: choice }, index) => (choice === answer[index] ? '0' : '1'))
      .join(''),
    scores: Object.fromEntries(gates.map((gate) => [gate.name, scoresOf(gate)])),
  };
}

/** Informed gates toss none. */
const NO_COINS = seededDraws(0);
