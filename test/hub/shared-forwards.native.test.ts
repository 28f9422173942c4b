/** Devices of one hub share the forwards of its model, whatever each of them wants. */
import { expect, it } from 'vitest';
import { type TokenId, tokenIds } from '../../src/core/token-id.ts';
import { Hub } from '../../src/hub/hub.ts';
import type { DeviceMessage, HubMessage, OpenMessage } from '../../src/link/messages.ts';
import { loadModel } from '../../src/model/llama-cpp/model.ts';
import { vocabularyDigest } from '../../src/vocabulary/vocabulary-digest.ts';
import { open, transmit, write } from './hub-device.ts';

const DEVICE_COUNT = 6;
const TOKEN_COUNT = 10;
const PROMPT = tokenIds([5, 9, 12, 7, 3, 11, 8, 4]);

/** Asks for its tokens, each as soon as it has the one before. */
class Asking {
  readonly tokens: Promise<readonly TokenId[]>;
  readonly #isStreamed: boolean;
  readonly #ids: TokenId[] = [];

  constructor(hub: Hub, opening: OpenMessage, isStreamed: boolean) {
    this.#isStreamed = isStreamed;
    this.tokens = new Promise((resolve, reject) => {
      const connection = hub.connect('anyone', (message) => {
        const question = this.#read(message);
        if (message.type === 'error') reject(message);
        if (question !== null) connection.receive(question);
        if (this.#ids.length === TOKEN_COUNT) resolve(this.#ids);
      });
      connection.receive(opening);
    });
  }

  #read(message: HubMessage): DeviceMessage | null {
    if (message.type === 'answer') this.#ids.push(message.tokenId);
    const { length } = this.#ids;
    if (length === TOKEN_COUNT || (this.#isStreamed && length > 0)) return null;
    const from = PROMPT.length + length;
    if (this.#isStreamed) return write(0, { from, countMax: TOKEN_COUNT });
    return transmit(length, { from, epoch: length });
  }
}

it.each([
  ['that verify drafts', 0],
  ['of which half are streamed to', DEVICE_COUNT / 2],
  ['that are all streamed to', DEVICE_COUNT],
])('of devices %s', async (_, streamCount) => {
  await using model = await loadModel('pocket/models/pocket-large.gguf', {
    ...{ contextLength: 256, cellCount: 4096, threadCount: 1 },
  });
  const { size } = model.vocabulary;
  const vocabulary = { digest: vocabularyDigest(model.vocabulary, size), size };
  await using hub = new Hub({ model, digest: '0'.repeat(64) });
  const texts = await Promise.all(
    Array.from({ length: DEVICE_COUNT }, (_each, seed) => {
      const text = { text: PROMPT, promptLength: PROMPT.length };
      return new Asking(hub, open(seed, { seed, vocabulary, ...text }), seed < streamCount).tokens;
    }),
  );
  expect(texts.map((ids) => ids.length)).toEqual(Array(DEVICE_COUNT).fill(TOKEN_COUNT));
  expect(hub.status.rowCount).toBe(DEVICE_COUNT * (PROMPT.length + TOKEN_COUNT - 1));
  // One batch reads the prompts, and one writes a token of every device.
  expect(model.batchCount).toBe(1 + TOKEN_COUNT);
});
