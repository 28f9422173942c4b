import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StopMatcher } from './stop-matcher.ts';

interface Ending {
  readonly text: string;
  readonly matched: string | null;
}

/**
 * By definition, character by character: the first stop string that completes; the longest of
 * several.
 */
function oracle(text: string, stops: readonly string[]): Ending {
  for (let end = 1; end <= text.length; end += 1) {
    const complete = stops.filter((stop) => text.slice(0, end).endsWith(stop));
    const [matched] = complete.sort((a, b) => b.length - a.length);
    if (matched !== undefined) return { text: text.slice(0, end - matched.length), matched };
  }
  return { text, matched: null };
}

function stream(parts: readonly string[], stops: readonly string[]): Ending {
  const matcher = new StopMatcher(stops);
  let text = '';
  for (const part of parts) {
    const { released, matched } = matcher.push(part);
    text += released;
    if (matched !== null) return { text, matched };
  }
  return { text: text + matcher.flush(), matched: null };
}

/** Few letters, so that stops overlap with the text and with each other. */
const anyWord = (minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom('a', 'b', '\n'), minLength, maxLength });
const anyStops = fc.array(anyWord(1, 5), { maxLength: 4 });
const anyParts = fc.array(anyWord(0, 5), { maxLength: 12 });

describe('StopMatcher', () => {
  it('ends the text where the definition ends it, for any chunks', () => {
    fc.assert(
      fc.property(anyParts, anyStops, (parts, stops) => {
        expect(stream(parts, stops)).toEqual(oracle(parts.join(''), stops));
      }),
      { numRuns: 3000 },
    );
  });

  it('gives the same for one chunk as for single characters', () => {
    fc.assert(
      fc.property(anyWord(0, 30), anyStops, (text, stops) => {
        expect(stream([...text], stops)).toEqual(stream([text], stops));
      }),
      { numRuns: 1000 },
    );
  });

  it('never releases text that may belong to a stop string, and holds no other text', () => {
    fc.assert(
      fc.property(anyParts, anyStops, (parts, stops) => {
        const matcher = new StopMatcher(stops);
        let [released, fed] = ['', ''];
        for (const part of parts) {
          fed += part;
          const step = matcher.push(part);
          released += step.released;
          expect(fed.startsWith(released)).toBe(true);
          if (step.matched !== null) return;
          const held = fed.slice(released.length);
          const beginnings = stops.filter((stop) => stop !== held && stop.startsWith(held));
          expect(matcher.isHolding).toBe(held !== '');
          expect(held === '' || beginnings.length > 0).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('passes everything through without stop strings', () => {
    const matcher = new StopMatcher([]);
    expect(matcher.push('anything')).toEqual({ released: 'anything', matched: null });
    expect(matcher.isHolding).toBe(false);
  });

  it('finds a stop string that spans many chunks', () => {
    const matcher = new StopMatcher(['\nUser:']);
    for (const part of ['\n', 'U', 'se', '', 'r']) {
      expect(matcher.push(part)).toEqual({ released: '', matched: null });
    }
    expect(matcher.push(': hello')).toEqual({ released: '', matched: '\nUser:' });
  });

  it('releases held text that turns out to be no stop string', () => {
    const matcher = new StopMatcher(['aab']);
    expect(matcher.push('aa')).toEqual({ released: '', matched: null });
    expect(matcher.push('a')).toEqual({ released: 'a', matched: null });
    expect(matcher.push('c')).toEqual({ released: 'aac', matched: null });
    expect(matcher.isHolding).toBe(false);
  });

  it('ends with the first stop string that completes, even inside a longer one that began earlier', () => {
    expect(stream(['abcd'], ['abcd', 'bc'])).toEqual({ text: 'a', matched: 'bc' });
    expect(stream(['a', 'b', 'c', 'd'], ['abcd', 'bc'])).toEqual({ text: 'a', matched: 'bc' });
  });

  it('takes the longer of two stop strings that complete together', () => {
    for (const stops of [
      ['ab', 'b'],
      ['b', 'ab'],
    ]) {
      expect(stream(['xab'], stops)).toEqual({ text: 'x', matched: 'ab' });
    }
  });

  it('drops the text after a stop string and starts anew', () => {
    const matcher = new StopMatcher(['##']);
    expect(matcher.push('yes##no')).toEqual({ released: 'yes', matched: '##' });
    expect(matcher.isHolding).toBe(false);
    expect(matcher.flush()).toBe('');
  });

  it('flushes the held text once', () => {
    const matcher = new StopMatcher(['END']);
    matcher.push('the EN');
    expect(matcher.flush()).toBe('EN');
    expect(matcher.flush()).toBe('');
    expect(matcher.isHolding).toBe(false);
  });
});
