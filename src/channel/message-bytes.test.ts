import { describe, expect, it } from 'vitest';
import { GREEDY } from '../core/sampling-params.ts';
import { tokenIds } from '../core/token-id.ts';
import { encode } from '../link/codec.ts';
import { messageBytes } from './message-bytes.ts';

const QWEN = 151_936;

describe('the bytes of a message', () => {
  it.each([
    ['none', { kind: 'none' as const }, 20 + 6],
    ['the top 4', { kind: 'top' as const, tokenCount: 4, bitCount: 8 }, 36 + 6],
    ['the top 30', { kind: 'top' as const, tokenCount: 30, bitCount: 8 }, 121 + 6],
    ['all', { kind: 'full' as const }, 607_764 + 14],
  ])('with %s of the distribution are those of docs/LINK.md', (_name, sent, bytes) => {
    expect(messageBytes(QWEN, sent).transmit(0)).toBe(bytes);
  });

  it('grow by the un-synced ids', () => {
    const { transmit } = messageBytes(QWEN, { kind: 'none' });
    expect(transmit(4) - transmit(0)).toBe(9);
  });

  it('of both ends are those of encoded frames', () => {
    const { open, opened, answer } = messageBytes(QWEN, { kind: 'none' });
    const sampling = { ...GREEDY, temperature: 1, logitBias: { 3: 1 } };
    const frame = encode(
      {
        ...{ type: 'open', requestId: 'ab'.repeat(16), seed: 5, sampling, wantsLogprobs: false },
        vocabulary: { digest: 'cd'.repeat(32), size: QWEN },
        ...{ noise: 'shared', promptLength: 3, text: tokenIds([1, 2, 3]) },
      },
      QWEN,
    );
    expect(open(3, sampling)).toBe(frame.length + 8);
    expect(opened()).toBe(21 + 2);
    expect(answer()).toBe(27 + 2);
  });

  it('keep no more tokens than there are', () => {
    const top = (tokenCount: number) => messageBytes(8, { kind: 'top', tokenCount, bitCount: 8 });
    expect(top(100).transmit(0)).toBe(top(8).transmit(0));
  });
});
