/** What a strategy drafts while it decides, for readers who want to see it before the verdict. */
import type { TokenId } from '../core/token-id.ts';

export class DraftFeed {
  readonly #tokenBytes: (id: TokenId) => Uint8Array;
  #newest: readonly TokenId[] | null = null;
  #wake: (() => void) | null = null;

  constructor(tokenBytes: (id: TokenId) => Uint8Array) {
    this.#tokenBytes = tokenBytes;
  }

  /** @param tokens all that is drafted now; none: the draft was taken back */
  show(tokens: readonly TokenId[]): void {
    this.#newest = tokens;
    this.#wake?.();
  }

  /** The texts of drafts until a decision falls or fails. A slow reader gets only the newest. */
  async *until(decision: Promise<unknown>): AsyncGenerator<string, void> {
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
      if (newest !== null) yield this.#textOf(newest);
      else await this.#change();
    }
  }

  /** An unfinished character at the end is left out. */
  #textOf(tokens: readonly TokenId[]): string {
    const bytes = Buffer.concat(tokens.map((id) => this.#tokenBytes(id)));
    return new TextDecoder().decode(bytes, { stream: true });
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = null;
  }
}
