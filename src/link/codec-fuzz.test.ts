/**
 * Bytes that nobody meant to send. A decoder either takes them as a message, which then encodes to the
 * very same bytes, or refuses them as `frame-invalid`.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/runs.ts';
import { PilotfishError } from '../core/errors.ts';
import { decodeFromDevice, decodeFromHub, encode } from './codec.ts';
import {
  anyDeviceMessage,
  anyHubMessage,
  anyVocabularySize,
  withVocabulary,
} from './fakes/any-message.ts';
import { type LinkLimits, linkLimits } from './limits.ts';
import type { LinkMessage } from './messages.ts';

type Decode = (bytes: Uint8Array, limits: LinkLimits) => LinkMessage;

/** @returns whether the bytes are a frame */
function check(decode: Decode, bytes: Uint8Array, vocabularySize: number): boolean {
  const before = bytes.slice();
  let message: LinkMessage | null = null;
  try {
    message = decode(bytes, linkLimits(vocabularySize));
  } catch (error) {
    expect(PilotfishError.isInstance(error) && error.code).toBe('frame-invalid');
  }
  expect(bytes).toEqual(before);
  if (message !== null) expect(encode(message, vocabularySize)).toEqual(bytes);
  return message !== null;
}

const SIDES: readonly [name: string, decode: Decode, types: readonly number[]][] = [
  ['a device', decodeFromDevice, [1, 2, 3, 4, 5]],
  ['a hub', decodeFromHub, [8, 9, 10, 11, 12]],
];

/** Changes that a faulty sender or link makes. */
const anyFault = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), at: fc.nat(), byte: fc.nat({ max: 255 }) }),
  fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), byte: fc.nat({ max: 7 }) }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), byte: fc.constant(0) }),
  fc.record({ kind: fc.constant('remove' as const), at: fc.nat(), byte: fc.constant(0) }),
  fc.record({ kind: fc.constant('insert' as const), at: fc.nat(), byte: fc.nat({ max: 255 }) }),
);
type Fault = typeof anyFault extends fc.Arbitrary<infer T> ? T : never;

function withFault(bytes: readonly number[], { kind, at, byte }: Fault): number[] {
  const index = at % (bytes.length + 1);
  switch (kind) {
    case 'set':
      return bytes.with(Math.min(index, bytes.length - 1), byte);
    case 'flip':
      return bytes.map((value, place) => (place === index ? value ^ (1 << byte) : value));
    case 'cut':
      return bytes.slice(0, Math.max(1, index));
    case 'remove':
      return bytes.length > 1 ? bytes.toSpliced(index, 1) : [...bytes];
    case 'insert':
      return bytes.toSpliced(index, 0, byte);
  }
}

describe.each(SIDES)('a decoder of frames from %s', (name, decode, types) => {
  it('takes or refuses random bytes, most of them behind a valid first byte', () => {
    const anyBytes = fc
      .tuple(fc.constantFrom(null, ...types), fc.uint8Array({ maxLength: 250 }))
      .map(([type, bytes]) => (type === null ? bytes : Uint8Array.of(16 | type, ...bytes)));
    fc.assert(
      fc.property(anyBytes, anyVocabularySize, (bytes, vocabularySize) => {
        check(decode, bytes, vocabularySize);
      }),
      { numRuns: runs(1000, 50_000) },
    );
  });

  it('takes or refuses frames with some faults', () => {
    const anyMessage = name === 'a device' ? anyDeviceMessage : anyHubMessage;
    const faults = fc.array(anyFault, { minLength: 1, maxLength: 4 });
    let takenCount = 0;
    fc.assert(
      fc.property(
        withVocabulary<LinkMessage>(anyMessage),
        faults,
        ({ message, vocabularySize }, given) => {
          const frame = Array.from(encode(message, vocabularySize));
          const bytes = given.reduce<number[]>(withFault, frame);
          takenCount += Number(check(decode, Uint8Array.from(bytes), vocabularySize));
        },
      ),
      { numRuns: runs(600, 30_000) },
    );
    // Faults in numbers give other messages, so this reaches both outcomes.
    expect(takenCount).toBeGreaterThan(20);
  });

  it('takes or refuses a frame that was made for another vocabulary', () => {
    const anyMessage = name === 'a device' ? anyDeviceMessage : anyHubMessage;
    fc.assert(
      fc.property(
        withVocabulary<LinkMessage>(anyMessage),
        anyVocabularySize,
        ({ message, vocabularySize }, other) => {
          check(decode, encode(message, vocabularySize), other);
        },
      ),
      { numRuns: runs(200, 10_000) },
    );
  });
});
