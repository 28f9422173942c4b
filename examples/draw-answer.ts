/**
 * Draws an answer as SVG, with tokens coloured by their writer:
 * npm start --silent -- ask --json "…" | node --import tsx examples/draw-answer.ts > answer.svg
 */
import { createInterface } from 'node:readline';
import type { EngineEvent, SummaryEvent, TokenEvent } from 'pilotfish';

const COLUMNS = 84;
const ROW = 22;
const COLUMN = 8.43;
const MARGIN = 28;
const HEAD = 58;

interface Piece {
  readonly text: string;
  readonly row: number;
  readonly column: number;
  readonly origin: TokenEvent['origin'];
}

const tokens: TokenEvent[] = [];
let summary: SummaryEvent | null = null;
let title = '';
for await (const line of createInterface({ input: process.stdin })) {
  const event: EngineEvent = JSON.parse(line);
  if (event.type === 'start') {
    const thresholds = Object.values(event.thresholds).map((value) => `@${value}`);
    const { small, large } = event.labels;
    title = `${event.strategy}${thresholds.join('')}: ${small} and ${large}`;
  }
  if (event.type === 'token') tokens.push(event);
  if (event.type === 'summary') summary = event;
}

/** Places tokens on a grid, breaking lines before words that do not fit. */
function layOut(): { pieces: Piece[]; rows: number } {
  const pieces: Piece[] = [];
  let [row, column] = [0, 0];
  for (const { text, origin, rest } of parts()) {
    const isFull = text.startsWith(' ') && column + text.length + rest > COLUMNS;
    if (text === '\n' || isFull) [row, column] = [row + 1, 0];
    if (text === '\n') continue;
    const shown = column === 0 ? text.trimStart() : text;
    pieces.push({ text: shown, row, column, origin });
    column += shown.length;
  }
  return { pieces, rows: row + 1 };
}

/**
 * Token texts and line breaks, with the number of characters of the last word that are still to come.
 */
function parts(): { text: string; origin: TokenEvent['origin']; rest: number }[] {
  return tokens.flatMap(({ text, origin }, index) =>
    text
      .split(/(\n)/)
      .filter((part) => part !== '')
      .map((part) => ({ text: part, origin, rest: restOfWord(index + 1) })),
  );
}

/** Characters until the next space: a word may span several tokens. */
function restOfWord(from: number): number {
  let length = 0;
  for (const { text } of tokens.slice(from)) {
    const end = text.search(/\s/);
    if (end >= 0) return length + end;
    length += text.length;
  }
  return length;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function drawPiece({ text, row, column, origin }: Piece): string {
  const [x, y] = [MARGIN + column * COLUMN, HEAD + row * ROW];
  const width = (text.length * COLUMN).toFixed(1);
  const words = `<text class="t" x="${x.toFixed(1)}" y="${y + 15}" textLength="${width}" lengthAdjust="spacingAndGlyphs" xml:space="preserve">`;
  const box =
    origin === 'large'
      ? `<rect class="l" x="${x.toFixed(1)}" y="${y}" width="${width}" height="${ROW - 2}" rx="3"/>`
      : '';
  return `${box}${words}${escaped(text)}</text>`;
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}

const { pieces, rows } = layOut();
const width = MARGIN * 2 + COLUMNS * COLUMN;
const height = HEAD + rows * ROW + 70;
const [share, costs] =
  summary === null
    ? ['', '']
    : [
        `: ${percent(summary.largeShare)} of ${summary.tokenCount} tokens`,
        `of the large model alone: weight traffic ${summary.weightTrafficRatio?.toFixed(2)}, ` +
          `processed FLOPs ${summary.processedFlopsRatio?.toFixed(2)}`,
      ];
process.stdout.write(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width.toFixed(0)} ${height}" role="img" aria-label="An answer, tokens marked by who wrote them">
<title>An answer, tokens marked by who wrote them</title>
<style>text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:14px;fill:#1f2430}
.h{font-size:13px;fill:#5b6478}.l{fill:#f6b48f}</style>
<rect width="100%" height="100%" rx="10" fill="#fbfbfd" stroke="#d8dce6"/>
<text class="h" x="${MARGIN}" y="34">${escaped(title)}</text>
${pieces.map(drawPiece).join('\n')}
<rect class="l" x="${MARGIN}" y="${height - 54}" width="14" height="14" rx="3"/>
<text class="h" x="${MARGIN + 20}" y="${height - 42}">written by the large model${share}</text>
<text class="h" x="${MARGIN}" y="${height - 16}">${costs}</text>
</svg>
`,
);
