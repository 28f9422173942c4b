/** What was said so far. Only whole turns are kept: a question goes with what was answered. */
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
   * Keeps a turn as it was shown. Without any answer the question is forgotten, too: templates
   * want the roles to alternate.
   */
  keep(question: string, answer: string): void {
    if (answer === '') return;
    this.#turns.push({ role: 'user', content: question }, { role: 'assistant', content: answer });
  }

  /** Forgets everything but the system message. */
  reset(): void {
    this.#turns = [];
  }

  get turnCount(): number {
    return this.#turns.length / 2;
  }
}
