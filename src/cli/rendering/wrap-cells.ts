/**
 * Breaks styled text into lines of a given width. It works on characters as readers see them, each with
 * its style and width, and adds colours last, so that no escape code can be split or left open.
 */
import stringWidth from 'string-width';
import type { TokenEvent } from '../../core/events.ts';
import { graphemes } from './graphemes.ts';
import { printableText } from './printable-text.ts';
import { type TokenStyle, tokenStyle } from './token-style.ts';

export interface Cell {
  readonly text: string;
  readonly style: TokenStyle;
  readonly width: number;
}

const TAB = '    ';

/** A character across tokens has the style of its first token. */
export function cellsOf(
  tokens: readonly Pick<TokenEvent, 'text' | 'origin' | 'verified'>[],
): Cell[] {
  const ends: { readonly end: number; readonly style: TokenStyle }[] = [];
  let whole = '';
  for (const token of tokens) {
    whole += printableText(token.text).replaceAll('\t', TAB);
    ends.push({ end: whole.length, style: tokenStyle(token) });
  }
  const cells: Cell[] = [];
  let offset = 0;
  let place = 0;
  for (const text of graphemes(whole)) {
    while ((ends[place]?.end ?? whole.length) <= offset) place += 1;
    cells.push({ text, style: ends[place]?.style ?? 'small', width: stringWidth(text) });
    offset += text.length;
  }
  return cells;
}

/**
 * Lines of at most `width` cells. It breaks at spaces, which are dropped, and inside words only if it
 * must.
 */
export function wrapCells(cells: readonly Cell[], width: number): Cell[][] {
  return splitAtNewlines(cells).flatMap((line) => wrapLine(line, width));
}

export function widthOf(cells: readonly Cell[]): number {
  return cells.reduce((sum, cell) => sum + cell.width, 0);
}

function splitAtNewlines(cells: readonly Cell[]): Cell[][] {
  const lines: Cell[][] = [[]];
  for (const cell of cells) {
    if (cell.text === '\n') lines.push([]);
    else lines.at(-1)?.push(cell);
  }
  return lines;
}

/** Alternating runs of spaces and of other characters. */
function words(line: readonly Cell[]): Cell[][] {
  const runs: Cell[][] = [];
  let isSpace: boolean | null = null;
  for (const cell of line) {
    const cellIsSpace = cell.text === ' ';
    if (cellIsSpace !== isSpace) runs.push([]);
    isSpace = cellIsSpace;
    runs.at(-1)?.push(cell);
  }
  return runs;
}

function wrapLine(line: readonly Cell[], width: number): Cell[][] {
  const lines: Cell[][] = [];
  let current: Cell[] = [];
  let used = 0;
  const breakLine = (): void => {
    lines.push(current);
    current = [];
    used = 0;
  };
  for (const word of words(line)) {
    // An indent remains with its word, even if the word must then be broken.
    if (!isBlank(current) && used + widthOf(word) > width) {
      current = withoutTrailingSpaces(current);
      breakLine();
      if (isBlank(word)) continue;
    }
    for (const cell of word) {
      if (used > 0 && used + cell.width > width) breakLine();
      current.push(cell);
      used += cell.width;
    }
  }
  breakLine();
  return lines;
}

function isBlank(cells: readonly Cell[]): boolean {
  return cells.every((cell) => cell.text === ' ');
}

function withoutTrailingSpaces(cells: readonly Cell[]): Cell[] {
  return cells.slice(0, cells.findLastIndex((cell) => cell.text !== ' ') + 1);
}
