/** The costs of compared runs as one table, or as a list if a table does not fit. */
import Table from 'cli-table3';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import type { ComparisonRow } from './comparison.ts';
import { formatRate, formatRatio, formatShare } from './format-quantity.ts';

interface Column {
  /** One word per line. */
  readonly head: string;
  readonly label: string;
  readonly cell: (row: ComparisonRow) => string;
  /** Default: always. */
  readonly isShown?: (rows: readonly ComparisonRow[]) => boolean;
}

const COLUMNS: readonly Column[] = [
  { head: 'tokens', label: 'tokens', cell: (row) => String(row.tokenCount) },
  { head: 'large\nshare', label: 'large share', cell: (row) => formatShare(row.largeShare) },
  {
    head: 'veri-\nfied',
    label: 'verified share',
    cell: (row) => formatShare(row.verifiedShare),
  },
  {
    head: 're-\njected',
    label: 'rejected steps',
    cell: ({ rejectedShare }) => (rejectedShare === null ? '–' : formatShare(rejectedShare)),
    isShown: (rows) => rows.some(({ rejectedShare }) => rejectedShare !== null),
  },
  { head: 'large\nfwds', label: 'large forwards', cell: (row) => String(row.largeForwards) },
  {
    head: 'weight\ntraffic',
    label: 'weight traffic',
    cell: (row) => formatRatio(row.weightTrafficRatio),
  },
  {
    head: 'writ.\nFLOPs',
    label: 'written FLOPs',
    cell: (row) => formatRatio(row.writtenFlopsRatio),
  },
  {
    head: 'gen.\nFLOPs',
    label: 'generated FLOPs',
    cell: (row) => formatRatio(row.generatedFlopsRatio),
  },
  {
    head: 'proc.\nFLOPs',
    label: 'processed FLOPs',
    cell: (row) => formatRatio(row.processedFlopsRatio),
  },
  { head: 'time\ns', label: 'time in s', cell: (row) => (row.elapsedMs / 1000).toFixed(1) },
  { head: 'tok/s', label: 'tokens/s', cell: (row) => formatRate(row.tokensPerSecond) },
  { head: 'same\ntext', label: 'same text as large', cell: (row) => sameText(row) },
];

const FOOTNOTE =
  'Weight traffic and FLOPs: ratios to the large model alone for the same tokens. ' +
  'Same text: as large.';

function sameText({ sameTextAsLarge }: ComparisonRow): string {
  if (sameTextAsLarge === null) return '–';
  return sameTextAsLarge ? 'yes' : 'no';
}

/** Separates columns by one space and nothing else. */
const NO_BORDERS = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', right: '', 'right-mid': '' },
  ...{ mid: '', 'mid-mid': '', middle: ' ' },
};

/** At most `width` cells wide. */
export function renderComparison(rows: readonly ComparisonRow[], width: number): string {
  const columns = COLUMNS.filter(({ isShown }) => isShown?.(rows) ?? true);
  const table = `${renderTable(rows, columns)}\n`;
  const isTooWide = table.split('\n').some((line) => stringWidth(line) > width);
  const note = Number.isFinite(width) ? wrapAnsi(FOOTNOTE, width) : FOOTNOTE;
  return `${isTooWide ? renderList(rows, columns) : table}${note}\n`;
}

function renderTable(rows: readonly ComparisonRow[], columns: readonly Column[]): string {
  const table = new Table({
    head: ['strategy', ...columns.map(({ head }) => head)],
    colAligns: ['left', ...columns.map(() => 'right' as const)],
    // Colours would be the table's own, regardless of the terminal's support.
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 },
    chars: NO_BORDERS,
  });
  for (const row of rows) table.push([row.run, ...columns.map(({ cell }) => cell(row))]);
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function renderList(rows: readonly ComparisonRow[], columns: readonly Column[]): string {
  const labelWidth = Math.max(...columns.map(({ label }) => label.length)) + 2;
  return rows
    .map((row) => {
      const lines = columns.map(({ label, cell }) => `  ${label.padEnd(labelWidth)}${cell(row)}\n`);
      return `${row.run}\n${lines.join('')}`;
    })
    .join('');
}
