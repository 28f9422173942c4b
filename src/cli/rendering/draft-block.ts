/**
 * A draft on a terminal: grey, after the answer so far, and replaced as a whole when it grows or its
 * verdict falls. It follows where the cursor is, because the draft may begin in the middle of a line and
 * wrap; the last column stays free, where terminals differ. A draft that is taller than the screen shows
 * its end: what has scrolled away could not be taken back.
 */
import stringWidth from 'string-width';
import type { CliIo } from '../io.ts';
import { graphemes } from './graphemes.ts';
import { printableText } from './printable-text.ts';
import { paintDraft } from './token-style.ts';

const TAB = '    ';
const TAB_STOP = 8;
const ELLIPSIS = '…';

export class DraftBlock {
  readonly #io: Pick<CliIo, 'columns' | 'rows' | 'color'>;
  /** Cells before the cursor on its line, without the draft; all of them if the line is full. */
  #column = 0;
  /** Lines of the draft that is shown; 0: none is. */
  #lineCount = 0;
  /** Where the draft begins. */
  #startColumn = 0;
  /** Whether a full line was ended for a draft, so that the answer's own line end is already there. */
  #hasEndedLine = false;

  constructor(io: Pick<CliIo, 'columns' | 'rows' | 'color'>) {
    this.#io = io;
  }

  /** Whether the cursor is at the start of a line. */
  get isAtLineStart(): boolean {
    return this.#column === 0;
  }

  /** What to write to show a draft in place of the one before. */
  show(draft: string): string {
    const cleared = this.clear();
    if (draft === '') return cleared;
    const width = Math.max(1, this.#io.columns - 1);
    const endsLine = this.#column > 0 && this.#column >= this.#io.columns;
    if (endsLine) {
      this.#column = 0;
      this.#hasEndedLine = true;
    }
    this.#startColumn = this.#column;
    const lines = tail(wrapped(draft, width, this.#column), this.#io.rows - 1);
    this.#lineCount = lines.length;
    const grey = lines.map((line) => paintDraft(line, this.#io.color)).join('\n');
    return `${cleared}${endsLine ? '\n' : ''}${grey}`;
  }

  /** What to write to take the draft back. */
  clear(): string {
    if (this.#lineCount === 0) return '';
    const up = this.#lineCount > 1 ? `\u001b[${this.#lineCount - 1}A` : '';
    this.#lineCount = 0;
    return `${up}\u001b[${this.#startColumn + 1}G\u001b[0J`;
  }

  /**
   * Follows text of the answer that is written now.
   * @returns the text to write in its place
   */
  follow(text: string): string {
    if (text === '') return text;
    const isEnded = this.#hasEndedLine && text.startsWith('\n');
    this.#hasEndedLine = false;
    const written = isEnded ? text.slice(1) : text;
    for (const character of graphemes(printableText(written))) this.#advance(character);
    return written;
  }

  #advance(character: string): void {
    const { columns } = this.#io;
    if (character === '\n' || character === '\r\n') {
      this.#column = 0;
      return;
    }
    if (character === '\t') {
      const next = (Math.floor(this.#column / TAB_STOP) + 1) * TAB_STOP;
      // A tab never wraps.
      this.#column = Math.max(this.#column, Math.min(next, columns - 1));
      return;
    }
    const width = stringWidth(character);
    this.#column = this.#column + width > columns ? width : this.#column + width;
  }
}

/** Lines of at most `width` cells, of which the first has `used` cells already. */
function wrapped(text: string, width: number, used: number): readonly string[] {
  const lines = [''];
  let column = used;
  for (const character of graphemes(printableText(text).replaceAll('\t', TAB))) {
    const isBreak = character === '\n';
    const cells = isBreak ? 0 : stringWidth(character);
    if (isBreak || (column + cells > width && column > 0)) {
      lines.push('');
      column = 0;
    }
    if (isBreak) continue;
    lines[lines.length - 1] += character;
    column += cells;
  }
  return lines;
}

/** The lines, or the last of them after an ellipsis. */
function tail(lines: readonly string[], countMax: number): readonly string[] {
  if (lines.length <= Math.max(1, countMax)) return lines;
  const shown = countMax - 2;
  return shown < 1 ? [ELLIPSIS] : ['', ELLIPSIS, ...lines.slice(-shown)];
}
