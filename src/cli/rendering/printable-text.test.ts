import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printableText } from './printable-text.ts';

/** Text with control characters and halves of characters. */
const ANY_TEXT = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xff }), fc.integer({ min: 0, max: 0xffff })))
  .map((codes) => String.fromCharCode(...codes));

describe('printableText', () => {
  it('shows escape sequences and does not let them act', () => {
    expect(printableText('a\u001b]0;title\u0007b\r\u007f')).toBe('a␛]0;title␇b␍␡');
    expect(printableText('\u009b31m \u202e')).toBe('<009B>31m <202E>');
  });

  it('keeps lines, tabs and every other character', () => {
    expect(printableText('a\tb\nc é 漢 👩‍👩‍👧')).toBe('a\tb\nc é 漢 👩‍👩‍👧');
  });

  it('leaves no control character, however the stream is cut', () => {
    const texts = fc.array(ANY_TEXT, { maxLength: 8 });
    fc.assert(
      fc.property(texts, (parts) => {
        const whole = printableText(parts.join(''));
        expect(parts.map(printableText).join('')).toBe(whole);
        expect(/[^\P{Cc}\n\t]/u.test(whole)).toBe(false);
      }),
    );
  });
});
