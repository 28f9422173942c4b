/** A place in the tokens of a formula, and steps from it. */
import type { Token } from './tokens.ts';

/** Deeper formulas are no answers, and the parser recurses. */
const DEPTH_MAX = 60;

/** Thrown within a reader and caught by it: a formula that is not understood. */
export class NotUnderstood extends Error {}

/** @returns null where `read` does not understand */
export function understood<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof NotUnderstood) return null;
    throw error;
  }
}

export const DIGIT: RegExp = /^\d$/;
export const LETTER: RegExp = /^[A-Za-z]$/;

export class TokenCursor {
  protected at = 0;
  private depth = 0;
  protected readonly source: string;
  protected readonly tokens: readonly Token[];

  constructor(source: string, tokens: readonly Token[]) {
    this.source = source;
    this.tokens = tokens;
  }

  expectEnd(): void {
    if (this.at < this.tokens.length) throw new NotUnderstood();
  }

  consumedEnd(): number {
    return this.tokens[this.at - 1]?.end ?? 0;
  }

  protected sourceHere(): string {
    const token = this.tokens[this.at];
    return token === undefined ? '' : this.source.slice(token.start, token.start + 60);
  }

  protected peek(ahead = 0): string {
    return this.tokens[this.at + ahead]?.text ?? '';
  }

  protected gap(ahead = 0): string {
    return this.tokens[this.at + ahead]?.gap ?? '';
  }

  protected next(): string {
    const token = this.tokens[this.at];
    if (token === undefined) throw new NotUnderstood();
    this.at += 1;
    return token.text;
  }

  protected accept(text: string): boolean {
    if (this.peek() !== text) return false;
    this.at += 1;
    return true;
  }

  protected nested<T>(read: () => T): T {
    this.depth += 1;
    if (this.depth > DEPTH_MAX) throw new NotUnderstood();
    const result = read();
    this.depth -= 1;
    return result;
  }
}
