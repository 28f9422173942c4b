/**
 * The screen of a terminal: text that wraps at the last column, lines that scroll away, and the escape
 * codes that this program writes. Like most terminals it stays on a full line until the next character.
 */
import stringWidth from 'string-width';
import { graphemes } from '../../src/cli/rendering/graphemes.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what a terminal reads.
const CODE = /^\u001b\[([\d;]*)([A-Za-z])/;

export class FakeTerminal {
  readonly #columns: number;
  readonly #rows: number;
  /** Every line, those that have scrolled away included; a wide character is followed by ''. */
  readonly #lines: string[][] = [[]];
  #row = 0;
  #column = 0;

  constructor({ columns, rows = 24 }: { readonly columns: number; readonly rows?: number }) {
    this.#columns = columns;
    this.#rows = rows;
  }

  write(text: string): void {
    for (let rest = text; rest !== ''; ) {
      const code = CODE.exec(rest);
      if (code !== null) {
        this.#control(code[2] ?? '', Number(code[1] || '1'));
        rest = rest.slice(code[0].length);
        continue;
      }
      const [character = ''] = graphemes(rest.slice(0, 40));
      this.#put(character);
      rest = rest.slice(character.length);
    }
  }

  /** The lines from the first, without white space at their ends. */
  text(): string {
    return this.#lines
      .map((line) =>
        Array.from(line, (cell) => cell ?? ' ')
          .join('')
          .trimEnd(),
      )
      .join('\n');
  }

  #control(letter: string, count: number): void {
    const top = Math.max(0, this.#lines.length - this.#rows);
    if (letter === 'A') this.#row = Math.max(top, this.#row - count);
    if (letter === 'G') this.#column = Math.min(count, this.#columns) - 1;
    if (letter === 'J') {
      this.#lines.length = this.#row + 1;
      this.#line().length = Math.min(this.#line().length, this.#column);
    }
  }

  #put(character: string): void {
    if (character === '\n') {
      this.#next();
      return;
    }
    if (character === '\t') {
      const stop = (Math.floor(this.#column / 8) + 1) * 8;
      while (this.#column < Math.min(stop, this.#columns - 1)) this.#cell(' ');
      return;
    }
    const width = stringWidth(character);
    if (width === 0) return;
    if (this.#column + width > this.#columns) this.#next();
    this.#cell(character);
    for (let more = 1; more < width; more += 1) this.#cell('');
  }

  #cell(text: string): void {
    const line = this.#line();
    while (line.length < this.#column) line.push(' ');
    line[this.#column] = text;
    this.#column += 1;
  }

  #next(): void {
    this.#row += 1;
    this.#column = 0;
    if (this.#row === this.#lines.length) this.#lines.push([]);
  }

  #line(): string[] {
    const line = this.#lines[this.#row];
    if (line === undefined) throw new Error('the cursor is on a line');
    return line;
  }
}
