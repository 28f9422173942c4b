import { stripVTControlCharacters } from 'node:util';
import { Chalk } from 'chalk';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import type { Origin } from '../../core/events.ts';
import { columnCount, renderAnswerColumns } from './answer-columns.ts';
import { type Cell, cellsOf, widthOf, wrapCells } from './wrap-cells.ts';

const PLAIN = new Chalk({ level: 0 });
const FULL = new Chalk({ level: 2 });

function token(text: string, origin: Origin = 'small', verified = false) {
  return { text, origin, verified };
}

const TOKENS = fc.array(
  fc.record({
    text: fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(' ', '  ', '\n', 'word', '漢字', '\t', '👩‍👩‍👧', 'a longer piece of text'),
    ),
    origin: fc.constantFrom<Origin>('small', 'large', 'prompt-lookup'),
    verified: fc.boolean(),
  }),
);

function text(cells: readonly Cell[]): string {
  return cells.map((cell) => cell.text).join('');
}

function wrapped(source: string, width: number): string[] {
  return wrapCells(cellsOf([token(source)]), width).map(text);
}

describe('wrapCells', () => {
  it('breaks at spaces, in words only if it must, and keeps indents and empty lines', () => {
    expect(wrapped('one two three', 8)).toEqual(['one two', 'three']);
    expect(wrapped('abcdefgh ij', 3)).toEqual(['abc', 'def', 'gh', 'ij']);
    expect(wrapped('def f():\n\n  return 1', 10)).toEqual(['def f():', '', '  return 1']);
    expect(wrapped('   abcde', 4)).toEqual(['   a', 'bcde']);
    expect(wrapped('漢字漢字', 5)).toEqual(['漢字', '漢字']);
  });

  it('gives a character across tokens the style of its first token', () => {
    const cells = cellsOf([token('e', 'large'), token('\u0301x')]);
    expect(cells.map(({ text, style }) => [text, style])).toEqual([
      ['e\u0301', 'large'],
      ['x', 'small'],
    ]);
  });

  it('never exceeds the width and loses nothing but spaces at breaks', () => {
    fc.assert(
      fc.property(TOKENS, fc.integer({ min: 2, max: 40 }), (tokens, width) => {
        const cells = cellsOf(tokens);
        const lines = wrapCells(cells, width);
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
        const solid = (all: readonly Cell[]): string => text(all).replaceAll(/[ \n]/g, '');
        expect(solid(lines.flat())).toBe(solid(cells));
      }),
    );
  });
});

describe('renderAnswerColumns', () => {
  it('sets answers side by side, each in its colours', () => {
    const answers = [
      { title: 'small', tokens: [token('one\ntwo')] },
      { title: 'large', tokens: [token('un', 'large')] },
    ];
    const width = 120;
    const columns = renderAnswerColumns(answers, width, PLAIN).split('\n');
    const pad = (part: string): string => part.padEnd(58);
    expect(columns).toEqual([
      `${pad('small')} │ large`,
      `${'─'.repeat(58)}─┼─${'─'.repeat(58)}`,
      `${pad('one')} │ un`,
      `${pad('two')} │ `,
      '',
    ]);
    expect(renderAnswerColumns(answers, width, FULL)).toContain(
      ' │ \u001b[38;5;166m\u001b[1mun\u001b[22m\u001b[39m',
    );
  });

  it('puts two or three answers into a row', () => {
    expect([60, 120, 149, 150, 500].map(columnCount)).toEqual([1, 2, 2, 3, 3]);
    const answers = ['a', 'b', 'c'].map((title) => ({ title, tokens: [] }));
    const titles = renderAnswerColumns(answers, 120, PLAIN).match(/^[abc].*$/gm);
    expect(titles).toHaveLength(2);
    expect(renderAnswerColumns([], 120, PLAIN)).toBe('');
  });

  it('never exceeds the width, with colours or without, and closes every colour in its line', () => {
    const answers = fc.array(fc.record({ title: fc.string({ maxLength: 80 }), tokens: TOKENS }));
    fc.assert(
      fc.property(answers, fc.integer({ min: 20, max: 200 }), (given, width) => {
        const colored = renderAnswerColumns(given, width, FULL);
        for (const line of colored.split('\n')) {
          expect(stringWidth(line)).toBeLessThanOrEqual(width);
          // Each style opens as often as it closes, so none reaches the next column.
          expect(line.split('\u001b[').length % 2).toBe(1);
        }
        expect(stripVTControlCharacters(colored)).toBe(renderAnswerColumns(given, width, PLAIN));
      }),
    );
  });
});
