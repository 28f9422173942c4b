/**
 * The role of a reward model: it scores a drafted step of an answer, given the text before it. A scorer
 * reads only the new step. It meters its own work, because it asks sessions for rows. Each reward stands
 * in a file of its own (likelihood-reward.ts, judge-reward.ts).
 */
import type { ChatMessage } from '../core/chat-message.ts';
import type { ModelLabel } from '../core/model-id.ts';
import type { RowResult } from '../core/row-program.ts';
import type { RowReads } from '../core/row-reads.ts';
import type { TokenId } from '../core/token-id.ts';
import type { Tokenizer } from '../core/tokenizer.ts';
import type { SessionNeeds } from '../session/capabilities.ts';
import type { Session } from '../session/session.ts';

/** A step that the small model drafted. */
export interface DraftedStep {
  /** Prompt, committed tokens and the step. */
  readonly text: readonly TokenId[];
  /** The small model's rows, one for each token of the step: they end where the text ends. */
  readonly rows: readonly RowResult[];
}

export interface StepScorer {
  /** The reward of a step, in [0, 1]: higher is better. @throws as `Session.rows` */
  score(step: DraftedStep): Promise<number>;
}

/**
 * The reward of a step so far, given its rows one by one. It never rises, and the reward of the whole
 * step is at most the last one.
 */
export type RunningReward = (row: RowResult) => number;

/** What a reward may know of a request. */
export interface RewardContext {
  /** The request's session of the model with a label. */
  session(label: ModelLabel): Session;
  /** For models that read texts of their own. */
  tokenizer(label: ModelLabel): Tokenizer;
  /** The bytes that a token adds to the answer; none for control tokens. */
  tokenBytes(id: TokenId): Uint8Array;
  /** The conversation that the answer continues; a prompt without a conversation is one message. */
  readonly messages: readonly ChatMessage[];
  /** The tokens of the prompt, which the answer follows. */
  readonly promptLength: number;
}

export interface StepReward {
  readonly name: string;
  /** The values that it needs of the small model's rows of the draft. */
  readonly draftReads: RowReads;
  /** The labels of the models that it asks by itself, with its needs of each. */
  readonly needs: Readonly<Partial<Record<ModelLabel, SessionNeeds>>>;
  /**
   * Follows a step that is being drafted, for rewards that never rise with further tokens, such as
   * products and minima. Absent: a low reward may still rise.
   */
  readonly running?: ((context: Pick<RewardContext, 'tokenBytes'>) => RunningReward) | undefined;
  /** @throws PilotfishError `capability-missing` if a model cannot give the reward */
  begin(context: RewardContext): StepScorer;
}

/**
 * The rows of the step's tokens under another model, in one forward. `textLogprob` is about the tokens of
 * the step.
 */
export function readBy(
  session: Session,
  { text, rows }: { readonly text: readonly TokenId[]; readonly rows: { readonly length: number } },
  reads: RowReads,
): Promise<readonly RowResult[]> {
  return session.rows({
    ...{ text: text.slice(0, -1), outputCount: rows.length, purpose: 'reward', reads },
    scoredText: text,
  });
}
