/** The history of a chat. Only whole turns are kept: a question together with its answer. */
import type { ChatMessage } from '../../core/chat-message.ts';

export class Conversation {
  readonly #system: readonly ChatMessage[];
  #turns: ChatMessage[] = [];

  constructor(system: string | undefined) {
    this.#system = system === undefined ? [] : [{ role: 'system', content: system }];
  }

  /** The messages of a request that asks `question` next. */
  asking(question: string): readonly ChatMessage[] {
    return [...this.#system, ...this.#turns, { role: 'user', content: question }];
  }

  /**
   * Keeps a turn as it was shown. Without any answer the question is forgotten, too, because templates
   * require alternating roles.
   */
  keep(question: string, answer: string): void {
    if (answer === '') return;
    this.#turns.push({ role: 'user', content: question }, { role: 'assistant', content: answer });
  }

  /** Forgets all messages but the system message. */
  reset(): void {
    this.#turns = [];
  }

  get turnCount(): number {
    return this.#turns.length / 2;
  }
}
