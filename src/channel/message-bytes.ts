/** The sizes of messages without the messages: frames depend on counts alone. */
import { GREEDY, type SamplingParams } from '../core/sampling-params.ts';
import { tokenId } from '../core/token-id.ts';
import { frameSize } from '../link/codec.ts';
import type { LinkMessage } from '../link/messages.ts';
import type { DraftDistribution } from '../sampling/draft-distribution.ts';
import { webSocketBytes } from './packets.ts';

/** What a device sends with a draft. Of `top` fewer tokens may be kept. */
export type SentDistribution =
  | { readonly kind: 'none' }
  | { readonly kind: 'top'; readonly tokenCount: number; readonly bitCount: number }
  | { readonly kind: 'full' };

/** Bytes with WebSocket headers. */
export interface MessageBytes {
  open(textLength: number, sampling?: SamplingParams): number;
  opened(): number;
  /** @param keptCount tokens of a compressed distribution; default: as many as may be kept */
  transmit(unsyncedCount: number, keptCount?: number): number;
  /** Without un-synced ids. */
  write(): number;
  answer(): number;
}

const REQUEST_ID = '0'.repeat(32);
const FIRST = tokenId(0);

export function messageBytes(vocabularySize: number, sent: SentDistribution): MessageBytes {
  const bytesOf = (message: LinkMessage, sender: 'device' | 'hub'): number =>
    webSocketBytes(frameSize(message, vocabularySize), sender);
  const ids = (count: number) => Array.from({ length: count }, () => FIRST);
  return {
    open: (textLength, sampling = GREEDY) =>
      bytesOf(
        {
          ...{ type: 'open', requestId: REQUEST_ID, seed: 0, sampling, wantsLogprobs: false },
          vocabulary: { digest: '0'.repeat(64), size: vocabularySize },
          ...{ noise: 'independent', promptLength: textLength, text: ids(textLength) },
        },
        'device',
      ),
    opened: () => bytesOf({ type: 'opened', requestId: REQUEST_ID, length: 0 }, 'hub'),
    transmit: (unsyncedCount, keptCount) =>
      bytesOf(
        {
          ...{ type: 'transmit', sequence: 0, epoch: 0, from: 0, draft: FIRST },
          distribution: exampleOf(sent, vocabularySize, keptCount),
          unsynced: ids(unsyncedCount),
        },
        'device',
      ),
    write: () =>
      bytesOf(
        { type: 'write', sequence: 0, epoch: 0, from: 0, unsynced: [], countMax: 1 },
        'device',
      ),
    answer: () =>
      bytesOf(
        {
          ...{ type: 'answer', sequence: 0, position: 0, tokenId: FIRST, isAccepted: true },
          ...{ logprob: null, computeMs: 0, waitedMs: 0, rowCount: 0, forwardCount: 0 },
        },
        'hub',
      ),
  };
}

function exampleOf(
  sent: SentDistribution,
  vocabularySize: number,
  keptCount: number | undefined,
): DraftDistribution {
  if (sent.kind === 'none') return sent;
  if (sent.kind === 'full') {
    return { kind: 'full', probabilities: new Float32Array(vocabularySize) };
  }
  const count = keptCount ?? Math.min(sent.tokenCount, vocabularySize);
  const tokenIds = Uint32Array.from({ length: count }, (_, id) => id);
  const levels = new Uint32Array(count).fill(1);
  return {
    kind: 'compressed',
    compressed: { tokenIds, levels, bitCount: sent.bitCount, rest: 'none' },
  };
}
