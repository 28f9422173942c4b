import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TokenEvent } from '../core/events.ts';
import { tokenId } from '../core/token-id.ts';
import { type Emission, Emitter } from './emitter.ts';

const END = tokenId(9999);

/** A token event without its text. Each field identifies the token. */
function tokenOf(index: number, id: number): Omit<TokenEvent, 'text'> {
  return {
    type: 'token',
    index,
    tokenId: tokenId(id),
    origin: index % 2 === 0 ? 'small' : 'large',
    verified: index % 3 === 0,
    proposedTokenId: null,
    score: index / 8,
    logprob: -index,
    round: index,
    elapsedMs: index * 10,
  };
}

function emitterOf(pieces: readonly Uint8Array[], stops: readonly string[] = []): Emitter {
  return new Emitter({
    stops,
    tokenBytes: (id) => pieces[id] ?? new Uint8Array(0),
    isEndOfGeneration: (id) => id === END,
  });
}

const textPieces = (texts: readonly string[]): Uint8Array[] =>
  texts.map((text) => new TextEncoder().encode(text));

interface Run {
  readonly events: readonly TokenEvent[];
  readonly finish: Emission['finish'];
  /** The number of events that had come out after each push. */
  readonly counts: readonly number[];
  readonly pushedCount: number;
}

/** Pushes every piece as a token, as the engine's loop does, then ends or flushes. */
function run(pieces: readonly Uint8Array[], stops: readonly string[], endsAt: number | null): Run {
  const emitter = emitterOf(pieces, stops);
  const events: TokenEvent[] = [];
  const counts: number[] = [];
  let finish: Emission['finish'] = null;
  const pushedMax = endsAt === null ? pieces.length : endsAt + 1;
  for (let index = 0; index < pushedMax && finish === null; index += 1) {
    const emission = emitter.push(tokenOf(index, index === endsAt ? END : index));
    events.push(...emission.events);
    finish = emission.finish;
    counts.push(events.length);
  }
  if (finish === null) events.push(...emitter.flush());
  expect(emitter.flush()).toEqual([]);
  return { events, finish, counts, pushedCount: counts.length };
}

/** The whole text, up to the first stop string that completes; among several, up to the longest. */
function oracle(bytes: Uint8Array, stops: readonly string[]): string {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  for (let end = 1; end <= text.length; end += 1) {
    const complete = stops.filter((stop) => text.slice(0, end).endsWith(stop));
    const [longest] = complete.sort((a, b) => b.length - a.length);
    if (longest !== undefined) return text.slice(0, end - longest.length);
  }
  return text;
}

const joined = (events: readonly TokenEvent[]): string => events.map(({ text }) => text).join('');

/** Texts of few letters and long characters, cut into pieces anywhere, even inside characters. */
const anyPieces = fc
  .record({
    parts: fc.array(
      fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom('a', 'b', 'ab', 'é', '😀', '€', '\n') },
        { weight: 1, arbitrary: fc.constantFrom(0x80, 0xc3, 0xf0, 0xff) },
      ),
      { maxLength: 25 },
    ),
    cuts: fc.array(fc.nat({ max: 50 }), { maxLength: 25 }),
  })
  .map(({ parts, cuts }) => {
    const encoded = parts.map((part) =>
      typeof part === 'number' ? Uint8Array.of(part) : new TextEncoder().encode(part),
    );
    const bytes = Buffer.concat(encoded);
    const borders = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
    return borders.slice(1).map((end, at) => new Uint8Array(bytes.subarray(borders[at] ?? 0, end)));
  });

const anyStops = fc.array(
  fc
    .array(fc.constantFrom('a', 'b', 'é', '😀', '\n'), { minLength: 1, maxLength: 4 })
    .map((letters) => letters.join('')),
  { maxLength: 3 },
);

describe('Emitter', () => {
  it('concatenates to the text up to the stop string, wherever tokens are cut', () => {
    fc.assert(
      fc.property(anyPieces, anyStops, fc.option(fc.nat({ max: 26 })), (pieces, stops, ends) => {
        const endsAt = ends === null ? null : Math.min(ends, pieces.length);
        const { events } = run(pieces, stops, endsAt);
        const whole = Buffer.concat(pieces.slice(0, endsAt ?? pieces.length));
        expect(joined(events)).toBe(oracle(whole, stops));
      }),
      { numRuns: 2000 },
    );
  });

  it('emits every pushed token once, in order, with all its fields', () => {
    fc.assert(
      fc.property(anyPieces, anyStops, fc.option(fc.nat({ max: 26 })), (pieces, stops, ends) => {
        const endsAt = ends === null ? null : Math.min(ends, pieces.length);
        const { events, finish, pushedCount } = run(pieces, stops, endsAt);
        const fields = events.map(({ text: _text, ...rest }) => rest);
        const ids = Array.from({ length: pushedCount }, (_, index) =>
          tokenOf(index, index === endsAt ? END : index),
        );
        expect(fields).toEqual(ids);
        if (finish === 'end-of-generation') expect(events.at(-1)?.text).toBe('');
        expect(finish === 'end-of-generation').toBe(events.at(-1)?.tokenId === END);
      }),
      { numRuns: 1000 },
    );
  });

  it('holds back at most one event, and none if no text is uncertain', () => {
    fc.assert(
      fc.property(anyPieces, anyStops, (pieces, stops) => {
        for (const [index, count] of run(pieces, stops, null).counts.entries()) {
          expect(count).toBeGreaterThanOrEqual(index);
          expect(count).toBeLessThanOrEqual(index + 1);
        }
      }),
    );
    const { counts } = run(textPieces(['one', ' two', '']), [], null);
    expect(counts).toEqual([1, 2, 3]);
  });

  it('gives a character to the token that completes it', () => {
    const [a, b, c] = [Uint8Array.of(0xe2), Uint8Array.of(0x82), Uint8Array.of(0xac)];
    const { events, counts } = run([a, b, c], [], null);
    expect(events.map(({ text }) => text)).toEqual(['', '', '€']);
    expect(counts).toEqual([0, 1, 3]);
  });

  it('gives an unfinished character at the end to the last token, before the end', () => {
    const pieces = [...textPieces(['a']), Uint8Array.of(0xe2)];
    const { events, finish } = run(pieces, [], 2);
    expect(events.map(({ text }) => text)).toEqual(['a', '\ufffd', '']);
    expect(finish).toBe('end-of-generation');
  });

  it('never shows a stop string or the text after it in the same token', () => {
    const { events, finish } = run(
      textPieces(['yes', '\nUs', 'er: and', ' more']),
      ['\nUser:'],
      null,
    );
    expect(events.map(({ text }) => text)).toEqual(['yes', '', '']);
    expect(finish).toBe('stop-string');
  });

  it('shows the beginning of a stop string once other text follows it', () => {
    const { events, finish } = run(textPieces(['a', '\nUs', 'a', 'ge']), ['\nUser:'], null);
    expect(events.map(({ text }) => text)).toEqual(['a', '', '\nUsa', 'ge']);
    expect(finish).toBeNull();
  });

  it('shows the beginning of a stop string that the end of the answer cut off', () => {
    const { events, finish } = run(textPieces(['a', '\nUs']), ['\nUser:'], 2);
    expect(events.map(({ text }) => text)).toEqual(['a', '\nUs', '']);
    expect(finish).toBe('end-of-generation');
  });

  it('ignores the bytes of an end-of-generation token', () => {
    const emitter = new Emitter({
      stops: [],
      tokenBytes: () => new TextEncoder().encode('<|im_end|>'),
      isEndOfGeneration: () => true,
    });
    const { events, finish } = emitter.push(tokenOf(0, 5));
    expect(events).toEqual([{ ...tokenOf(0, 5), text: '' }]);
    expect(finish).toBe('end-of-generation');
  });

  it('keeps a token without bytes in its place', () => {
    const { events } = run(textPieces(['a', '', 'b']), ['ab'], null);
    expect(events.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(joined(events)).toBe('');
  });

  it('flushes once', () => {
    const emitter = emitterOf(textPieces(['a']), ['ab']);
    expect(emitter.push(tokenOf(0, 0))).toEqual({ events: [], finish: null });
    expect(emitter.flush().map(({ text }) => text)).toEqual(['a']);
    expect(emitter.flush()).toEqual([]);
  });
});
