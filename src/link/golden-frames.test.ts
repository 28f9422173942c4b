/**
 * Frames that every program of protocol version 1 reads and writes. Each message lies as JSON beside the
 * bytes of its frame in hex. A change that breaks this test needs a new version.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeFromDevice, decodeFromHub, encode, frameSize } from './codec.ts';
import { linkLimits } from './limits.ts';
import type { LinkMessage } from './messages.ts';

const FOLDER = resolve(import.meta.dirname, '../../test/fixtures/link');

interface Golden {
  readonly name: string;
  readonly vocabularySize: number;
  readonly message: LinkMessage;
  readonly bytes: Uint8Array;
}

/** The fields that are typed arrays in a message. */
function reviveArray(key: string, value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  if (key === 'tokenIds' || key === 'levels') return Uint32Array.from(value);
  return key === 'probabilities' ? Float32Array.from(value) : value;
}

const golden: readonly Golden[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.json'))
  .map((file) => {
    const name = file.slice(0, -'.json'.length);
    const json: unknown = JSON.parse(readFileSync(join(FOLDER, file), 'utf8'), reviveArray);
    const { vocabularySize, message } = json as Pick<Golden, 'vocabularySize' | 'message'>;
    const hex = readFileSync(join(FOLDER, `${name}.hex`), 'utf8').replaceAll(/\s/g, '');
    return { name, vocabularySize, message, bytes: Uint8Array.from(Buffer.from(hex, 'hex')) };
  });

describe('golden frames', () => {
  it('show every type of message and every form of a distribution', () => {
    const types = ['open', 'transmit', 'write', 'resume', 'close'];
    const ofHub = ['opened', 'answer', 'stopped', 'error', 'drain'];
    expect(new Set(golden.map(({ message }) => message.type))).toEqual(
      new Set([...types, ...ofHub]),
    );
    const forms = golden.flatMap(({ message }) => {
      if (message.type !== 'transmit') return [];
      const { distribution } = message;
      return distribution.kind === 'compressed' ? distribution.compressed.rest : distribution.kind;
    });
    // "none" stands for no distribution and for the lossless one, whose rest is nothing.
    expect(forms.toSorted()).toEqual(['full', 'none', 'none', 'uniform']);
  });

  it.each(golden)('$name is encoded to these bytes', ({ message, vocabularySize, bytes }) => {
    expect(encode(message, vocabularySize)).toEqual(bytes);
    expect(frameSize(message, vocabularySize)).toBe(bytes.length);
  });

  it.each(golden)('$name is decoded from these bytes', ({ message, vocabularySize, bytes }) => {
    const isOfHub = ['opened', 'answer', 'stopped', 'error', 'drain'].includes(message.type);
    const decode = isOfHub ? decodeFromHub : decodeFromDevice;
    expect(decode(bytes, linkLimits(vocabularySize))).toEqual(message);
  });
});
