/** Answers side by side, in columns of wrapped, coloured text. */
import type { ChalkInstance } from 'chalk';
import stringWidth from 'string-width';
import type { TokenEvent } from '../../core/events.ts';
import { fitText } from './fit-text.ts';
import { printableText } from './printable-text.ts';
import { paint } from './token-style.ts';
import { type Cell, cellsOf, widthOf, wrapCells } from './wrap-cells.ts';

/** The least width at which answers are shown side by side. */
export const COLUMNS_WIDTH_MIN = 120;

const COLUMN_WIDTH_MIN = 48;
const COLUMNS_MAX = 3;
const SEPARATOR = ' │ ';

export interface ColumnAnswer {
  readonly title: string;
  readonly tokens: readonly Pick<TokenEvent, 'text' | 'origin' | 'verified'>[];
}

/** The number of answers that fit side by side into a width. */
export function columnCount(width: number): number {
  const fitting = Math.floor((width + SEPARATOR.length) / (COLUMN_WIDTH_MIN + SEPARATOR.length));
  return Math.min(COLUMNS_MAX, Math.max(1, fitting));
}

/** All lines, each at most `width` cells wide and ended. */
export function renderAnswerColumns(
  answers: readonly ColumnAnswer[],
  width: number,
  color: ChalkInstance,
): string {
  const perRow = Math.min(columnCount(width), answers.length);
  if (perRow === 0) return '';
  const columnWidth = Math.floor((width - (perRow - 1) * SEPARATOR.length) / perRow);
  const blocks: string[] = [];
  for (let first = 0; first < answers.length; first += perRow) {
    blocks.push(renderRow(answers.slice(first, first + perRow), columnWidth, color));
  }
  return blocks.join('\n');
}

function renderRow(answers: readonly ColumnAnswer[], width: number, color: ChalkInstance): string {
  const bodies = answers.map(({ tokens }) => wrapCells(cellsOf(tokens), width));
  const height = Math.max(...bodies.map((body) => body.length));
  const titles = answers.map(({ title }) => {
    const text = fitText(printableText(title), width);
    return { text: color.bold(text), width: stringWidth(text) };
  });
  const rule = answers.map(() => '─'.repeat(width)).join('─┼─');
  const lines = Array.from({ length: height }, (_, place) =>
    joinColumns(
      bodies.map((body) => renderCells(body[place] ?? [], color)),
      width,
    ),
  );
  return [joinColumns(titles, width), rule, ...lines].map((line) => `${line}\n`).join('');
}

interface Rendered {
  readonly text: string;
  readonly width: number;
}

/** Joins columns side by side. All but the last are padded to the width. */
function joinColumns(parts: readonly Rendered[], width: number): string {
  const last = parts.length - 1;
  return parts
    .map((part, place) => (place === last ? part.text : fillUp(part, width)))
    .join(SEPARATOR);
}

function fillUp(part: Rendered, width: number): string {
  return part.text + ' '.repeat(Math.max(0, width - part.width));
}

/** Renders cells in their colours, with runs of one style in one piece. */
function renderCells(cells: readonly Cell[], color: ChalkInstance): Rendered {
  let text = '';
  let run = '';
  for (const [place, cell] of cells.entries()) {
    run += cell.text;
    if (cells[place + 1]?.style === cell.style) continue;
    text += paint(cell.style, run, color);
    run = '';
  }
  return { text, width: widthOf(cells) };
}
