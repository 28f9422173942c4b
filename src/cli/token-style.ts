/**
 * How a token's writer shows. The hues are from the Okabe-Ito set, which stays apart under every
 * common colour blindness and is readable on dark and on light grounds; weight and underline say
 * the same without hue. Small is unstyled: it is the rule, the others are what one looks for.
 */
import type { ChalkInstance } from 'chalk';
import type { TokenEvent } from '../core/events.ts';

export type TokenStyle = 'small' | 'checked' | 'large' | 'prompt-lookup';

export function tokenStyle(token: Pick<TokenEvent, 'origin' | 'verified'>): TokenStyle {
  if (token.origin === 'small') return token.verified ? 'checked' : 'small';
  return token.origin;
}

const VERMILION = '#D55E00';
const BLUISH_GREEN = '#009E73';
const BLUE = '#0072B2';

/** Line breaks stay outside of the colour codes (chalk sees to it). */
export function paint(style: TokenStyle, text: string, color: ChalkInstance): string {
  switch (style) {
    case 'small':
      return text;
    case 'checked':
      return color.hex(BLUISH_GREEN)(text);
    case 'large':
      return color.hex(VERMILION).bold(text);
    case 'prompt-lookup':
      return color.hex(BLUE).underline(text);
  }
}

const LEGEND: readonly (readonly [TokenStyle, string])[] = [
  ['small', 'small'],
  ['large', 'large'],
  ['checked', 'small, checked by large'],
  ['prompt-lookup', 'copied from the prompt'],
];

/** One line that explains the colours; empty where there are none. */
export function renderLegend(color: ChalkInstance): string {
  if (color.level === 0) return '';
  return `written by: ${LEGEND.map(([style, text]) => paint(style, text, color)).join(' · ')}`;
}
