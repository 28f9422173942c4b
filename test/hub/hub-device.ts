/** A device as a hub sees it: messages without frames. */
import { expect } from 'vitest';
import { GREEDY } from '../../src/core/sampling-params.ts';
import { tokenId, tokenIds } from '../../src/core/token-id.ts';
import { Hub, type HubConnection, type HubOptions } from '../../src/hub/hub.ts';
import type {
  AnswerMessage,
  HubMessage,
  OpenMessage,
  TransmitMessage,
  WriteMessage,
} from '../../src/link/messages.ts';
import { vocabularyDigest } from '../../src/vocabulary/vocabulary-digest.ts';
import { DIGEST, large, TOKENS } from './hub-world.ts';

export const SIZE: number = TOKENS.length;
export const VOCABULARY: OpenMessage['vocabulary'] = {
  digest: vocabularyDigest(large().vocabulary, SIZE),
  size: SIZE,
};
export const idOf = (number: number): string => number.toString(16).padStart(32, '0');

export function open(number = 1, given: Partial<OpenMessage> = {}): OpenMessage {
  return {
    ...{ type: 'open', requestId: idOf(number), vocabulary: VOCABULARY, seed: 0 },
    ...{ sampling: { ...GREEDY, temperature: 1 }, wantsLogprobs: false, noise: 'shared' },
    ...{ promptLength: 3, text: tokenIds([0, 1, 2]) },
    ...given,
  };
}

export function transmit(sequence: number, given: Partial<TransmitMessage> = {}): TransmitMessage {
  return {
    ...{ type: 'transmit', sequence, epoch: 0, from: 3, unsynced: [], draft: tokenId(0) },
    distribution: { kind: 'none' },
    ...given,
  };
}

export function write(sequence: number, given: Partial<WriteMessage> = {}): WriteMessage {
  return {
    ...{ type: 'write', sequence, epoch: 0, from: 3, unsynced: [], countMax: 8, ...given },
  };
}

/** A device as the hub sees it, with all that it was sent. */
export class Device {
  readonly received: HubMessage[] = [];
  readonly connection: HubConnection;

  constructor(hub: Hub, owner = 'one') {
    this.connection = hub.connect(owner, (message) => this.received.push(message));
  }

  async answers(count: number): Promise<AnswerMessage[]> {
    await expect.poll(() => this.#answers().length, { interval: 1 }).toBeGreaterThanOrEqual(count);
    return this.#answers();
  }

  get types(): readonly HubMessage['type'][] {
    return this.received.map(({ type }) => type);
  }

  get last(): HubMessage | undefined {
    return this.received.at(-1);
  }

  #answers(): AnswerMessage[] {
    return this.received.flatMap((message) => (message.type === 'answer' ? message : []));
  }
}

export function hubOf(options: Partial<HubOptions> = {}): Hub {
  return new Hub({ model: large(), digest: DIGEST, ...options });
}
