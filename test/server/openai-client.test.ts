/** The official client of the OpenAI API, unchanged. */
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ServedWorld, servedWorld } from './served-world.ts';

let world: ServedWorld;
let client: OpenAI;
beforeAll(async () => {
  world = servedWorld({ keys: ['sk-test'] });
  const url = await world.server.listen('127.0.0.1', 0);
  client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-test', maxRetries: 0 });
});
afterAll(() => world[Symbol.asyncDispose]());

const ASKED = {
  model: 'random@0.5',
  messages: [{ role: 'user' as const, content: 'abcd' }],
  temperature: 0,
  max_tokens: 16,
  seed: 1,
};

it('lists models, and chats, whole and streamed', async () => {
  const ids: string[] = [];
  for await (const { id } of client.models.list()) ids.push(id);
  expect(ids).toEqual(['small', 'large', 'random', 'margin', 'speculative']);
  const { choices, usage } = await client.chat.completions.create(ASKED);
  const stream = await client.chat.completions.create({
    ...{ ...ASKED, stream: true, stream_options: { include_usage: true } },
  });
  let text = '';
  let streamed: OpenAI.CompletionUsage | null = null;
  for await (const part of stream) {
    text += part.choices[0]?.delta.content ?? '';
    streamed = part.usage ?? streamed;
  }
  expect(text).toBe(choices[0]?.message.content);
  expect(text).not.toBe('');
  expect(streamed).toEqual(usage);
  expect(usage?.completion_tokens_details?.rejected_prediction_tokens).toBeGreaterThan(0);
});

it('completes, and gets log-probabilities', async () => {
  const { messages: _, ...common } = ASKED;
  const asked = { ...common, model: 'large', prompt: ['abc', 'bcd'], logprobs: 1 };
  const { choices } = await client.completions.create(asked);
  expect(choices.map(({ index }) => index)).toEqual([0, 1]);
  const [first] = choices;
  expect(first?.logprobs?.tokens?.join('')).toBe(first?.text);
});

it('sees errors by their kinds', async () => {
  const unknown = client.chat.completions.create({ ...ASKED, model: 'nothing' });
  await expect(unknown).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  const wrong = client.chat.completions.create({ ...ASKED, temperature: -1 });
  await expect(wrong).rejects.toMatchObject({ status: 400, param: 'temperature' });
  const stranger = new OpenAI({ baseURL: client.baseURL, apiKey: 'sk-other', maxRetries: 0 });
  const refused = stranger.chat.completions.create(ASKED);
  await expect(refused).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
});

it('stops a stream that it leaves', async () => {
  const stream = await client.chat.completions.create({ ...ASKED, max_tokens: 100, stream: true });
  for await (const _ of stream) break;
  await expect.poll(() => world.engine.load.runningCount).toBe(0);
  await world.engine.checkIdle();
});
