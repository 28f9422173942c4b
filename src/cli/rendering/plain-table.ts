/** A table without lines, whose columns can be read, selected and cut. */
import Table from 'cli-table3';

const NO_LINE = '';

const PLAIN: Pick<Table.TableConstructorOptions, 'chars' | 'style'> = {
  chars: {
    top: NO_LINE,
    'top-mid': NO_LINE,
    'top-left': NO_LINE,
    'top-right': NO_LINE,
    bottom: NO_LINE,
    'bottom-mid': NO_LINE,
    'bottom-left': NO_LINE,
    'bottom-right': NO_LINE,
    left: NO_LINE,
    'left-mid': NO_LINE,
    mid: NO_LINE,
    'mid-mid': NO_LINE,
    right: NO_LINE,
    'right-mid': NO_LINE,
    middle: '  ',
  },
  style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
};

/** The rows as text, each line ended. Numbers are aligned to the right. */
export function plainTable(
  rows: readonly (readonly string[])[],
  align: 'left' | 'right' | 'named' = 'left',
): string {
  const colAligns = rows[0]?.map((_, column) => alignOf(align, column)) ?? [];
  const table = new Table({ ...PLAIN, colAligns });
  for (const row of rows) table.push([...row]);
  // The last column is padded with spaces, too, and a line that only just fits would wrap.
  const lines = table.toString().split('\n');
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

/** Named rows: a name to the left, then numbers. */
function alignOf(align: 'left' | 'right' | 'named', column: number): 'left' | 'right' {
  if (align !== 'named') return align;
  return column === 0 ? 'left' : 'right';
}
