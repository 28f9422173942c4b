/**
 * The styles of tokens by their writer. The hues are near those of the Okabe-Ito set, which can be told
 * apart with every common colour blindness, at a lightness that is readable on dark and light grounds.
 * Weight and underline say the same without hue. Small is unstyled: it is the rule, and readers look for
 * the exceptions.
 */
import type { ChalkInstance } from 'chalk';
import type { TokenEvent } from '../../core/events.ts';

export type TokenStyle = 'small' | 'checked' | 'unchecked' | 'large' | 'prompt-lookup';

type Styled = Pick<TokenEvent, 'origin' | 'verified' | 'isOffline'>;

export function tokenStyle(token: Styled): TokenStyle {
  if (token.isOffline === true) return 'unchecked';
  if (token.origin === 'small') return token.verified ? 'checked' : 'small';
  return token.origin;
}

interface Hue {
  /** One of the 256 colours, whose values are fixed. */
  readonly code: number;
  /** For terminals of 16 colours, whose red and green many readers cannot tell apart. */
  readonly basic: 'magenta' | 'green' | 'blue';
}

const VERMILION: Hue = { code: 166, basic: 'magenta' };
const BLUISH_GREEN: Hue = { code: 29, basic: 'green' };
const BLUE: Hue = { code: 31, basic: 'blue' };

function inHue(hue: Hue, color: ChalkInstance): ChalkInstance {
  return color.level === 1 ? color[hue.basic] : color.ansi256(hue.code);
}

/** Line breaks are outside the colour codes (chalk does this). */
export function paint(style: TokenStyle, text: string, color: ChalkInstance): string {
  switch (style) {
    case 'small':
      return text;
    case 'checked':
      return inHue(BLUISH_GREEN, color)(text);
    case 'unchecked':
      return color.dim.underline(text);
    case 'large':
      return inHue(VERMILION, color).bold(text);
    case 'prompt-lookup':
      return inHue(BLUE, color).underline(text);
  }
}

const LEGEND: readonly (readonly [TokenStyle, string])[] = [
  ['small', 'small'],
  ['large', 'large'],
  ['checked', 'small, checked by large'],
  ['prompt-lookup', 'copied from the prompt'],
];

/** Only where the hub may be away. */
const UNCHECKED: (typeof LEGEND)[number] = ['unchecked', 'small, not checked'];

export interface LegendOptions {
  /** Whether drafts are shown. */
  readonly drafts?: boolean | undefined;
  /** Whether the large model may be away. */
  readonly unchecked?: boolean | undefined;
}

/** One line that explains the colours; empty without colours. */
export function renderLegend(
  color: ChalkInstance,
  { drafts = false, unchecked = false }: LegendOptions = {},
): string {
  if (color.level === 0) return '';
  const styles = [...LEGEND, ...(unchecked ? [UNCHECKED] : [])].map(([style, text]) =>
    paint(style, text, color),
  );
  return `written by: ${[...styles, ...(drafts ? [paintDraft('drafted', color)] : [])].join(' · ')}`;
}

/** A draft whose verdict has not fallen. */
export function paintDraft(text: string, color: ChalkInstance): string {
  return color.gray(text);
}
