/** What a strategy drafts while it decides, for readers who want to see it before the verdict. */
import type { TokenId } from '../core/token-id.ts';

export class DraftFeed {
  #newest: readonly TokenId[] | null = null;
  #wake: (() => void) | null = null;

  /** @param tokens all that is drafted now; none: the draft was taken back */
  show(tokens: readonly TokenId[]): void {
    this.#newest = tokens;
    this.#wake?.();
  }

  /** The drafts until a decision falls or fails. A slow reader gets only the newest. */
  async *until(decision: Promise<unknown>): AsyncGenerator<readonly TokenId[], void> {
    let isOver = false;
    const over = (): void => {
      isOver = true;
      this.#wake?.();
    };
    void decision.then(over, over);
    this.#newest = null;
    while (!isOver) {
      const newest: readonly TokenId[] | null = this.#newest;
      this.#newest = null;
      if (newest !== null) yield newest;
      else await this.#change();
    }
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = null;
  }
}
