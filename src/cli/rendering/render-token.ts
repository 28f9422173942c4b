import type { ChalkInstance } from 'chalk';
import type { TokenEvent } from '../../core/events.ts';
import { printableText } from './printable-text.ts';
import { paint, tokenStyle } from './token-style.ts';

/** A token's text for a terminal: coloured by its writer, and without active control characters. */
export function renderToken(
  token: Pick<TokenEvent, 'text' | 'origin' | 'verified' | 'isOffline'>,
  color: ChalkInstance,
): string {
  return paint(tokenStyle(token), printableText(token.text), color);
}
