import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/runs.ts';
import { invariant } from '../core/invariant.ts';
import { GREEDY } from '../core/sampling-params.ts';
import { type TokenId, tokenId, tokenIds } from '../core/token-id.ts';
import {
  compressDistribution,
  compressedSize,
  expandDistribution,
  fromSinglePrecision,
} from '../sampling/compressed-distribution.ts';
import type { DraftDistribution } from '../sampling/draft-distribution.ts';
import { decodeFromDevice, decodeFromHub, encode, frameSize } from './codec.ts';
import { anyDeviceMessage, anyHubMessage, withVocabulary } from './fakes/any-message.ts';
import { ERROR_TEXT_BYTE_COUNT_MAX, linkLimits } from './limits.ts';
import type {
  AnswerMessage,
  LinkMessage,
  OpenMessage,
  TransmitMessage,
  WriteMessage,
} from './messages.ts';

const REQUEST_ID = '000102030405060708090a0b0c0d0e0f';
const QWEN = 151_936;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function open(given: Partial<OpenMessage> = {}): OpenMessage {
  return {
    type: 'open',
    requestId: REQUEST_ID,
    vocabulary: { digest: 'ab'.repeat(32), size: QWEN },
    sampling: GREEDY,
    seed: 7,
    wantsLogprobs: false,
    noise: 'independent',
    promptLength: 1,
    text: tokenIds([5, 6, 7]),
    ...given,
  };
}

function transmit(distribution: DraftDistribution, unsyncedCount = 0): TransmitMessage {
  return {
    type: 'transmit',
    sequence: 1,
    epoch: 0,
    from: 10,
    unsynced: unsynced(unsyncedCount),
    draft: tokenId(0),
    distribution,
  };
}

const WRITE: WriteMessage = {
  ...{ type: 'write', sequence: 1, epoch: 0, from: 10, unsynced: [], countMax: 128 },
};

function unsynced(count: number): TokenId[] {
  return tokenIds(Array.from({ length: count }, (_, index) => index));
}

const ANSWER: AnswerMessage = {
  type: 'answer',
  sequence: 1,
  position: 20,
  tokenId: tokenId(3),
  isAccepted: true,
  logprob: null,
  computeMs: 12.5,
  waitedMs: 0.25,
  rowCount: 3,
  forwardCount: 1,
};

const kept = (count: number, bitCount: number, size: number): DraftDistribution => ({
  kind: 'compressed',
  compressed: compressDistribution(
    Float64Array.from({ length: size }, () => 1 / size),
    { tokenCount: count, bitCount, rest: 'none' },
  ),
});

describe('a message', () => {
  it.each([
    ['a device', withVocabulary<LinkMessage>(anyDeviceMessage), decodeFromDevice],
    ['a hub', withVocabulary<LinkMessage>(anyHubMessage), decodeFromHub],
  ])('from %s comes out as it went in, in a frame of the computed size', (_name, any, decode) => {
    fc.assert(
      fc.property(any, ({ message, vocabularySize }) => {
        const frame = encode(message, vocabularySize);
        expect(frame).toHaveLength(frameSize(message, vocabularySize));
        expect(decode(frame, linkLimits(vocabularySize))).toEqual(message);
      }),
      { numRuns: runs(300, 10_000) },
    );
  });

  it('is read from the middle of a larger buffer, and does not change it', () => {
    const frame = encode(transmit(kept(3, 8, QWEN), 4), QWEN);
    const larger = new Uint8Array(frame.length + 9).fill(255);
    larger.set(frame, 5);
    const before = larger.slice();
    const part = larger.subarray(5, 5 + frame.length);
    expect(decodeFromDevice(part, linkLimits(QWEN))).toEqual(transmit(kept(3, 8, QWEN), 4));
    expect(larger).toEqual(before);
  });

  it('keeps nothing of the buffer that it was read from', () => {
    const full = { kind: 'full', probabilities: Float32Array.of(0.5, 0.5) } as const;
    const frame = encode(transmit(full), 2);
    const message = decodeFromDevice(frame, linkLimits(2));
    frame.fill(0);
    expect(message).toEqual(transmit(full));
  });
});

describe('the distribution of a draft', () => {
  const anyRow = fc.array(fc.double({ min: 1e-3, max: 1, noNaN: true }), {
    minLength: 1,
    maxLength: 50,
  });

  it('has the same bits on both ends', () => {
    const options = fc.record({
      tokenCount: fc.integer({ min: 1, max: 60 }),
      bitCount: fc.integer({ min: 1, max: 16 }),
      rest: fc.constantFrom('none' as const, 'uniform' as const),
    });
    fc.assert(
      fc.property(anyRow, options, (weights, given) => {
        const sum = weights.reduce((total, weight) => total + weight ** 4, 0);
        const x = Float64Array.from(weights, (weight) => weight ** 4 / sum);
        const best = tokenId(x.indexOf(Math.max(...x)));
        const here = [
          { kind: 'compressed', compressed: compressDistribution(x, given) },
          { kind: 'full', probabilities: Float32Array.from(x) },
        ] as const;
        for (const distribution of here) {
          const frame = encode({ ...transmit(distribution), draft: best }, x.length);
          const there = decodeFromDevice(frame, linkLimits(x.length));
          invariant(there.type === 'transmit', 'the type stays');
          expect(probabilitiesOf(there.distribution, x.length)).toEqual(
            probabilitiesOf(distribution, x.length),
          );
        }
      }),
      { numRuns: runs(100, 2000) },
    );
  });

  function probabilitiesOf(distribution: DraftDistribution, size: number): Float64Array | null {
    if (distribution.kind === 'compressed') {
      return expandDistribution(distribution.compressed, size);
    }
    return distribution.kind === 'full' ? fromSinglePrecision(distribution.probabilities) : null;
  }
});

describe('the text of an error', () => {
  it.each(['', 'plain', '\ufeffa mark at the beginning', '\0', 'größer 日本 😀'])(
    'stays %j',
    (message) => {
      const error = { type: 'error', sequence: null, code: 'internal', message } as const;
      expect(decodeFromHub(encode(error, QWEN), linkLimits(QWEN))).toEqual(error);
    },
  );
});

describe('a frame, byte by byte', () => {
  it('of a resumption', () => {
    const message = { type: 'resume', requestId: REQUEST_ID, length: 258, epoch: 3 } as const;
    expect(hex(encode(message, QWEN))).toBe(`13${REQUEST_ID}0201000003000000`);
  });

  it('of a transmission with packed ids and entries', () => {
    // Ids of 3 bits and levels of 5: two un-synced ids and the draft, then two entries of 8 bits.
    const message: TransmitMessage = {
      type: 'transmit',
      sequence: 1,
      epoch: 2,
      from: 0x01020304,
      unsynced: tokenIds([1, 2]),
      draft: tokenId(6),
      distribution: {
        kind: 'compressed',
        compressed: {
          tokenIds: Uint32Array.of(6, 3),
          levels: Uint32Array.of(31, 9),
          bitCount: 5,
          rest: 'none',
        },
      },
    };
    const ids = 1 | (2 << 3) | (6 << 6);
    const entries = [6 | (31 << 3), 3 | (9 << 3)];
    expect([...encode(message, 8)]).toEqual([
      ...[0x12, 1, 0, 0, 0, 2, 0, 0, 0, 4, 3, 2, 1],
      ...[1 | (4 << 2), 2, 0, 0],
      ...[ids & 255, ids >> 8],
      ...[2, 0, 0],
      ...entries,
    ]);
  });
});

describe('a frame of a run, byte by byte', () => {
  it('begins it', () => {
    const ids = tokenIds([1, 2]);
    const begun = { type: 'write', sequence: 1, epoch: 2, from: 258, unsynced: ids, countMax: 9 };
    expect([...encode(begun as WriteMessage, 8)]).toEqual([
      ...[0x15, 1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 0, 0, 9, 2, 0, 0],
      1 | (2 << 3),
    ]);
  });

  it('ends it', () => {
    expect([...encode({ type: 'stopped', sequence: 0x01020304 }, 8)]).toEqual([0x1c, 4, 3, 2, 1]);
  });
});

describe('the size of a frame', () => {
  const none: DraftDistribution = { kind: 'none' };

  it.each<[string, LinkMessage, number, number]>([
    ['an open request of 3 tokens', open(), QWEN, 1 + 16 + 32 + 4 + 8 + 64 + 2 + 1 + 4 + 4 + 7],
    ['a resumption', { type: 'resume', requestId: REQUEST_ID, length: 1, epoch: 0 }, QWEN, 25],
    ['a close', { type: 'close', requestId: REQUEST_ID }, QWEN, 17],
    ['a draft alone', transmit(none), QWEN, 17 + 3],
    ['a draft alone', transmit(none), 32_000, 17 + 2],
    ['20 un-synced ids', transmit(none, 20), QWEN, 17 + 48],
    ['k = 30 in 8 bits', transmit(kept(30, 8, QWEN)), QWEN, 17 + 3 + 3 + 98],
    ['k = 30 in 8 bits', transmit(kept(30, 8, 32_000)), 32_000, 17 + 2 + 3 + 87],
    ['k = 4 in 8 bits', transmit(kept(4, 8, QWEN)), QWEN, 17 + 3 + 3 + 13],
    ['k = 1 in 8 bits', transmit(kept(1, 8, QWEN)), QWEN, 17 + 3 + 3 + 4],
    ['k = V in 8 bits', transmit(kept(QWEN, 8, QWEN)), QWEN, 17 + 3 + 3 + 493_792],
    ['k = V in 8 bits', transmit(kept(32_000, 8, 32_000)), 32_000, 17 + 2 + 3 + 92_000],
    ['an opened request', { type: 'opened', requestId: REQUEST_ID, length: 1 }, QWEN, 21],
    ['an answer', ANSWER, QWEN, 27],
    ['an answer', ANSWER, 32_000, 26],
    ['an answer with its log-probability', { ...ANSWER, logprob: -1 }, QWEN, 31],
    ['a run', WRITE, QWEN, 17],
    ['a run behind 20 un-synced ids', { ...WRITE, unsynced: unsynced(20) }, QWEN, 17 + 45],
    ['a run that has ended', { type: 'stopped', sequence: 3 }, QWEN, 5],
    ['a drain', { type: 'drain' }, QWEN, 1],
  ])('of %s', (_name, message, vocabularySize, size) => {
    expect(frameSize(message, vocabularySize)).toBe(size);
    expect(encode(message, vocabularySize)).toHaveLength(size);
  });

  it('of a full distribution is 4 bytes a token, and it decodes', () => {
    const probabilities = new Float32Array(QWEN).fill(1 / QWEN);
    const message = transmit({ kind: 'full', probabilities });
    const frame = encode(message, QWEN);
    expect(frame).toHaveLength(17 + 3 + 4 * QWEN);
    expect(decodeFromDevice(frame, linkLimits(QWEN))).toEqual(message);
  });

  it('holds the entries in their exact size, rounded up to a byte', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 16 }),
        fc.integer({ min: 60, max: 300_000 }),
        (count, bitCount, size) => {
          const tokenIds = Uint32Array.from({ length: count }, (_, id) => id);
          const levels = new Uint32Array(count).fill(1);
          const compressed = { tokenIds, levels, bitCount, rest: 'uniform' } as const;
          const entries =
            frameSize(transmit({ kind: 'compressed', compressed }), size) -
            frameSize(transmit(none), size);
          expect(entries).toBe(3 + Math.ceil(compressedSize(count, bitCount, size)));
        },
      ),
      { numRuns: runs(50, 1000) },
    );
  });
});

describe('an encoder', () => {
  it('leaves out a logit bias on a token outside the vocabulary, which does nothing', () => {
    const sampling = { ...GREEDY, logitBias: { '0007': 1, 9: 2, 10: 3, 99999999999: 4 } };
    const message = open({ sampling, vocabulary: { digest: 'ab'.repeat(32), size: 10 } });
    const frame = encode(message, 10);
    expect(frame).toHaveLength(frameSize(message, 10));
    expect(decodeFromDevice(frame, linkLimits(10))).toMatchObject({
      sampling: { logitBias: { 7: 1, 9: 2 } },
    });
  });

  it('cuts the text of an error between two characters', () => {
    const message = `a${'é'.repeat(300)}`;
    const error = { type: 'error', sequence: null, code: 'internal', message } as const;
    const frame = encode(error, QWEN);
    expect(frame).toHaveLength(1 + 4 + ERROR_TEXT_BYTE_COUNT_MAX - 1);
    expect(frame).toHaveLength(frameSize(error, QWEN));
    expect(decodeFromHub(frame, linkLimits(QWEN))).toEqual({
      ...error,
      message: `a${'é'.repeat(249)}`,
    });
  });

  it('rounds times and log-probabilities to single precision', () => {
    const exact = { ...ANSWER, computeMs: 0.1, logprob: -0.3 };
    expect(decodeFromHub(encode(exact, QWEN), linkLimits(QWEN))).toEqual({
      ...exact,
      computeMs: Math.fround(0.1),
      logprob: Math.fround(-0.3),
    });
  });

  it.each<[string, LinkMessage]>([
    ['a token outside the vocabulary', { ...transmit({ kind: 'none' }), draft: tokenId(8) }],
    ['a sequence of 5 bytes', { ...transmit({ kind: 'none' }), sequence: 2 ** 32 }],
    ['a log-probability that is not finite', { ...ANSWER, logprob: Number.NEGATIVE_INFINITY }],
    ['a request id that is too short', { type: 'close', requestId: '00' }],
    ['a request id that is not hex', { type: 'close', requestId: 'z'.repeat(32) }],
    [
      'a distribution of another vocabulary',
      transmit({ kind: 'full', probabilities: new Float32Array(7) }),
    ],
  ])('reports a bug for %s', (_name, message) => {
    expect(() => encode(message, 8)).toThrow(/This is a bug in Pilotfish/);
  });
});
