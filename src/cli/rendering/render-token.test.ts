import { stripVTControlCharacters } from 'node:util';
import { Chalk } from 'chalk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Origin } from '../../core/events.ts';
import { printableText } from './printable-text.ts';
import { renderToken } from './render-token.ts';
import { renderLegend } from './token-style.ts';

const PLAIN = new Chalk({ level: 0 });
const BASIC = new Chalk({ level: 1 });
const FULL = new Chalk({ level: 2 });

/** Text with control characters and halves of characters. */
const ANY_TEXT = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xff }), fc.integer({ min: 0, max: 0xffff })))
  .map((codes) => String.fromCharCode(...codes));

describe('renderToken', () => {
  it('styles tokens by their writer and check', () => {
    const shown = (origin: Origin, verified: boolean): string =>
      renderToken({ text: 'x', origin, verified }, FULL);
    expect(shown('small', false)).toBe('x');
    expect(shown('small', true)).toBe('\u001b[38;5;29mx\u001b[39m');
    expect(shown('large', false)).toBe('\u001b[38;5;166m\u001b[1mx\u001b[22m\u001b[39m');
    expect(shown('large', true)).toBe(shown('large', false));
    const unchecked = { text: 'x', origin: 'small', verified: false, isOffline: true } as const;
    expect(renderToken(unchecked, FULL)).toBe('\u001b[2m\u001b[4mx\u001b[24m\u001b[22m');
    expect(shown('prompt-lookup', true)).toBe('\u001b[38;5;31m\u001b[4mx\u001b[24m\u001b[39m');
  });

  it('avoids red beside green with 16 colours', () => {
    const token = { text: 'x', origin: 'large', verified: false } as const;
    expect(renderToken(token, BASIC)).toBe('\u001b[35m\u001b[1mx\u001b[22m\u001b[39m');
    expect(renderToken({ ...token, text: 'a\nb' }, PLAIN)).toBe('a\nb');
  });

  it('lets no escape sequence of a model through', () => {
    const token = { text: '\u001b[2J\u0007', origin: 'large', verified: false } as const;
    expect(stripVTControlCharacters(renderToken(token, FULL))).toBe('␛[2J␇');
  });

  it('changes only the harmful parts of the text, however it is cut into tokens', () => {
    const token = fc.record({
      text: ANY_TEXT,
      origin: fc.constantFrom<Origin>('small', 'large', 'prompt-lookup'),
      verified: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(token, { maxLength: 8 }),
        fc.constantFrom(PLAIN, BASIC, FULL),
        (tokens, color) => {
          const shown = tokens.map((each) => renderToken(each, color)).join('');
          const text = tokens.map((each) => each.text).join('');
          expect(stripVTControlCharacters(shown)).toBe(printableText(text));
        },
      ),
    );
  });
});

describe('renderLegend', () => {
  it('names each style in that style, and is empty without colours', () => {
    expect(renderLegend(PLAIN)).toBe('');
    expect(stripVTControlCharacters(renderLegend(FULL))).toBe(
      'written by: small · large · small, checked by large · copied from the prompt',
    );
    const withHub = stripVTControlCharacters(renderLegend(FULL, { unchecked: true }));
    expect(withHub).toMatch(/ · small, not checked$/);
    expect(renderLegend(FULL)).toContain('\u001b[38;5;29msmall, checked by large\u001b[39m');
  });
});
