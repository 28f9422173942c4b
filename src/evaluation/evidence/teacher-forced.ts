/**
 * The evidence of gates along the large model's own answers. The small model reads each answer
 * once, teacher-forced. For every token this gives the token that the small model would have
 * written there, and every gate's score. So all gates and thresholds can be judged at once, before
 * any of them runs.
 */

import { seededDraws } from '../../core/draws.ts';
import { invariant } from '../../core/invariant.ts';
import { joinReads } from '../../core/row-reads.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import type { TokenId } from '../../core/token-id.ts';
import type { Gate, GateContext } from '../../judging/gate.ts';
import type { LanguageModel } from '../../model/roles.ts';
import type { SequencePool } from '../../model/sequence-source.ts';
import { soleSession } from '../../session/sole-session.ts';

/** The evidence of one answer of the large model. */
export interface TokenEvidence {
  readonly question: string;
  /** The `questionHash` of the question. */
  readonly asked: string;
  /** A digit for each token: 1 where the small model would have written a different one. */
  readonly differs: string;
  /** The score at each token, by gate. */
  readonly scores: Readonly<Record<string, readonly number[]>>;
}

export interface Transcript {
  readonly question: string;
  readonly asked: string;
  readonly prompt: readonly TokenId[];
  /** The large model's answer, its end token included. */
  readonly answer: readonly TokenId[];
}

export interface TeacherForcing {
  /** The gates to score with; none of them is a random control. */
  readonly gates: readonly Gate[];
  /** The ids from this one on are masked. */
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
  const context: GateContext = {
    draws: NO_COINS,
    tokenBytes: (id) => small.vocabulary.tokenBytes(id),
  };
  const scoresOf = (gate: Gate): readonly number[] =>
    rows.map((row, index) => gate.score(row, prompt.length + index, context));
  return {
    question,
    asked,
    differs: rows.map(({ tokenId }, index) => (tokenId === answer[index] ? '0' : '1')).join(''),
    scores: Object.fromEntries(gates.map((gate) => [gate.name, scoresOf(gate)])),
  };
}

/** Gates that are no random controls draw no random numbers. */
const NO_COINS = seededDraws(0);
