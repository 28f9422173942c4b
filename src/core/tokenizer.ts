/**
 * Turns texts into the tokens of one model, for texts that the program lays out itself. What a text
 * spells out is text: only chat templates add special tokens.
 */
import type { ChatMessage } from './chat-message.ts';
import type { TokenId } from './token-id.ts';

export interface Tokenizer {
  /** Names the model in errors. */
  readonly modelName: string;
  /** A conversation up to the start of the assistant's answer. @throws PilotfishError `template-failed` */
  chat(messages: readonly ChatMessage[]): readonly TokenId[];
  /** The beginning of a text, with the start token if there is one. */
  beginning(text: string): readonly TokenId[];
  /** A text that continues another one. No token spans the two. */
  continued(text: string): readonly TokenId[];
}
