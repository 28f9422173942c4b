/** Random messages of every type, whose numbers survive single precision where frames have it. */
import fc from 'fast-check';
import { GREEDY, type SamplingParams } from '../../core/sampling-params.ts';
import { type TokenId, tokenId } from '../../core/token-id.ts';
import {
  type CompressedDistribution,
  LEVEL_BIT_COUNT_MAX,
} from '../../sampling/compressed-distribution.ts';
import type { DraftDistribution } from '../../sampling/draft-distribution.ts';
import { RUN_LENGTH_MAX } from '../limits.ts';
import {
  type DeviceMessage,
  type HubMessage,
  LINK_ERROR_CODES,
  type LinkMessage,
  type OpenMessage,
  type TransmitMessage,
  type WriteMessage,
} from '../messages.ts';

/** Full distributions are made up to this size only. */
const FULL_SIZE_MAX = 400;

export const anyVocabularySize: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(1, 2, 256, 257, 32_000, 151_936, 2 ** 24),
  fc.integer({ min: 1, max: FULL_SIZE_MAX }),
);

const anyCount = fc.oneof(fc.nat({ max: 300 }), fc.constantFrom(2 ** 31, 2 ** 32 - 1));
const anyHex = (byteCount: number): fc.Arbitrary<string> =>
  fc
    .uint8Array({ minLength: byteCount, maxLength: byteCount })
    .map((bytes) => Buffer.from(bytes).toString('hex'));
const anyRequestId = anyHex(16);

const anyTokenId = (size: number): fc.Arbitrary<TokenId> => fc.nat({ max: size - 1 }).map(tokenId);
const anyTokenIds = (size: number, minLength = 0): fc.Arbitrary<TokenId[]> =>
  fc.array(anyTokenId(size), { minLength, maxLength: 40 });

const anyNumber = (min: number, max: number): fc.Arbitrary<number> =>
  fc.double({ min, max, noNaN: true });

function anySampling(size: number): fc.Arbitrary<SamplingParams> {
  const anyInteger = fc.oneof(fc.nat({ max: 100 }), fc.constant(Number.MAX_SAFE_INTEGER));
  return fc
    .record({
      logitBias: fc.dictionary(anyTokenId(size).map(String), anyNumber(-1000, 1000), {
        maxKeys: 5,
      }),
      repetitionPenalty: anyNumber(0.01, 100),
      frequencyPenalty: anyNumber(-100, 100),
      presencePenalty: anyNumber(-100, 100),
      penaltyWindow: anyInteger,
      topK: anyInteger,
      topP: anyNumber(0.01, 1),
      minP: anyNumber(0, 0.99),
      temperature: anyNumber(0, 100),
    })
    .map((params) => ({ ...params, logitBias: { ...params.logitBias } }));
}

function anyOpen(size: number): fc.Arbitrary<OpenMessage> {
  return fc
    .record({
      requestId: anyRequestId,
      digest: anyHex(32),
      sampling: fc.oneof(fc.constant(GREEDY), anySampling(size)),
      seed: fc.oneof(fc.maxSafeInteger(), fc.constantFrom(0, Number.MIN_SAFE_INTEGER)),
      wantsLogprobs: fc.boolean(),
      noise: fc.constantFrom('independent', 'shared'),
      text: anyTokenIds(size, 1),
      promptShare: fc.nat(),
    })
    .map(({ digest, promptShare, ...rest }) => ({
      type: 'open',
      ...rest,
      vocabulary: { digest, size },
      promptLength: 1 + (promptShare % rest.text.length),
    }));
}

function anyCompressed(size: number): fc.Arbitrary<CompressedDistribution> {
  return fc
    .record({
      ids: fc.uniqueArray(fc.nat({ max: size - 1 }), { minLength: 1, maxLength: 40 }),
      bitCount: fc.integer({ min: 1, max: LEVEL_BIT_COUNT_MAX }),
      rest: fc.constantFrom('none', 'uniform'),
      isEmpty: fc.boolean(),
      seeds: fc.array(fc.nat(), { minLength: 40, maxLength: 40 }),
    })
    .map(({ ids, bitCount, rest, isEmpty, seeds }) => {
      const kept = rest === 'uniform' && isEmpty ? [] : ids;
      const top = 2 ** bitCount - 1;
      const levels = kept.map((_, index) => 1 + ((seeds[index] ?? 0) % top));
      const tokenIds = Uint32Array.from(kept);
      return { tokenIds, levels: Uint32Array.from(levels), bitCount, rest };
    });
}

function anyFull(size: number): fc.Arbitrary<Float32Array> {
  return fc
    .array(fc.nat({ max: 9 }), { minLength: size, maxLength: size })
    .filter((weights) => weights.some((weight) => weight > 0))
    .map((weights) => {
      const sum = weights.reduce((total, weight) => total + weight, 0);
      return Float32Array.from(weights, (weight) => weight / sum);
    });
}

function anyDistribution(size: number): fc.Arbitrary<DraftDistribution> {
  const none = fc.constant<DraftDistribution>({ kind: 'none' });
  const compressed = anyCompressed(size).map(
    (entries): DraftDistribution => ({ kind: 'compressed', compressed: entries }),
  );
  if (size > FULL_SIZE_MAX) return fc.oneof(none, compressed);
  const full = anyFull(size).map(
    (probabilities): DraftDistribution => ({ kind: 'full', probabilities }),
  );
  return fc.oneof(none, compressed, full);
}

/** Tokens that the device may have drawn from the distribution. */
function possibleDrafts(distribution: DraftDistribution): readonly number[] | null {
  if (distribution.kind === 'none') return null;
  if (distribution.kind === 'full') {
    return [...distribution.probabilities.keys()].filter((id) => distribution.probabilities[id]);
  }
  const { rest, tokenIds } = distribution.compressed;
  return rest === 'none' ? [...tokenIds] : null;
}

function anyTransmit(size: number): fc.Arbitrary<TransmitMessage> {
  return fc
    .record({
      sequence: anyCount,
      epoch: anyCount,
      from: anyCount,
      unsynced: anyTokenIds(size),
      draft: anyTokenId(size),
      distribution: anyDistribution(size),
    })
    .map((fields) => {
      const possible = possibleDrafts(fields.distribution);
      const drawn = possible?.[fields.draft % possible.length];
      return { type: 'transmit', ...fields, draft: tokenId(drawn ?? fields.draft) };
    });
}

function anyWrite(size: number): fc.Arbitrary<WriteMessage> {
  return fc.record({
    type: fc.constant('write' as const),
    sequence: anyCount,
    epoch: anyCount,
    from: anyCount,
    unsynced: anyTokenIds(size),
    countMax: fc.nat({ max: RUN_LENGTH_MAX }),
  });
}

export function anyDeviceMessage(size: number): fc.Arbitrary<DeviceMessage> {
  return fc.oneof(
    anyOpen(size),
    anyTransmit(size),
    anyWrite(size),
    fc.record({
      type: fc.constant('resume' as const),
      requestId: anyRequestId,
      length: anyCount,
      epoch: anyCount,
    }),
    fc.record({ type: fc.constant('close' as const), requestId: anyRequestId }),
  );
}

export function anyHubMessage(size: number): fc.Arbitrary<HubMessage> {
  const anyTime = fc.float({ min: 0, noNaN: true, noDefaultInfinity: true });
  return fc.oneof(
    fc.record({
      type: fc.constant('opened' as const),
      requestId: anyRequestId,
      length: anyCount,
    }),
    fc.record({
      type: fc.constant('answer' as const),
      sequence: anyCount,
      position: anyCount,
      tokenId: anyTokenId(size),
      isAccepted: fc.boolean(),
      logprob: fc.option(fc.float({ noNaN: true, noDefaultInfinity: true })),
      computeMs: anyTime,
      waitedMs: anyTime,
      rowCount: anyCount,
      forwardCount: fc.nat({ max: 65_535 }),
    }),
    fc.record({ type: fc.constant('stopped' as const), sequence: anyCount }),
    fc.record({
      type: fc.constant('error' as const),
      sequence: fc.option(anyCount),
      code: fc.constantFrom(...LINK_ERROR_CODES),
      message: fc.string({ unit: 'binary', maxLength: 120 }),
    }),
    fc.constant({ type: 'drain' as const }),
  );
}

/** A message with the size of the vocabulary that both ends use. */
export interface CodedMessage<M extends LinkMessage> {
  readonly message: M;
  readonly vocabularySize: number;
}

export function withVocabulary<M extends LinkMessage>(
  anyMessage: (size: number) => fc.Arbitrary<M>,
): fc.Arbitrary<CodedMessage<M>> {
  return anyVocabularySize.chain((vocabularySize) =>
    anyMessage(vocabularySize).map((message) => ({ message, vocabularySize })),
  );
}
