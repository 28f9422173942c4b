/** Chats and completions over HTTP: what clients of the OpenAI API read. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { partsOf, type ServedWorld, STRATEGIES, servedWorld } from './served-world.ts';

const CHAT = { messages: [{ role: 'user', content: 'abcd' }], temperature: 0, max_tokens: 20 };

const CHOICE = z.object({
  index: z.number(),
  finish_reason: z.string().nullable(),
  text: z.string().optional(),
  message: z.object({ role: z.literal('assistant'), content: z.string() }).optional(),
  delta: z.object({ role: z.string().optional(), content: z.string().optional() }).optional(),
  logprobs: z.object({ content: z.array(z.object({ logprob: z.number() })) }).nullish(),
});

const ANSWER = z.object({
  id: z.string(),
  object: z.string(),
  model: z.string(),
  choices: z.array(CHOICE),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }).nullish(),
  pilotfish: z.record(z.string(), z.unknown()).optional(),
});

async function expectedText(
  { engine }: ServedWorld,
  request: GenerateRequest,
): Promise<{ readonly text: string; readonly tokenCount: number }> {
  for await (const event of engine.generate(request)) {
    if (event.type === 'summary') return event;
  }
  throw new Error('a run ends with its summary');
}

describe.each(STRATEGIES)('the model %s', (name) => {
  const model = name === 'random' ? 'random@0.5' : name;
  const request = {
    ...{ strategy: model, maxTokens: 20, seed: 3 },
    messages: [{ role: 'user' as const, content: 'abcd' }],
  };

  it('answers as the engine does, whole and streamed', async () => {
    await using world = servedWorld();
    const { text, tokenCount } = await expectedText(world, request);
    const asked = { ...CHAT, model, seed: 3 };
    const whole = ANSWER.parse(JSON.parse((await world.post('/v1/chat/completions', asked)).body));
    expect(whole.choices[0]?.message?.content).toBe(text);
    expect(whole.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: tokenCount });
    const stream = await world.post('/v1/chat/completions', { ...asked, stream: true });
    expect(stream.headers['content-type']).toMatch(/^text\/event-stream/);
    const parts = partsOf(stream.body).map((part) => ANSWER.parse(part));
    const choices = parts.flatMap((part) => part.choices);
    expect(choices.map(({ delta }) => delta?.content ?? '').join('')).toBe(text);
    expect(choices[0]?.delta?.role).toBe('assistant');
    const ends = choices.filter(({ finish_reason }) => finish_reason !== null);
    expect(ends.map(({ finish_reason }) => finish_reason)).toEqual([
      whole.choices[0]?.finish_reason,
    ]);
    // Nobody asked for it.
    expect(parts.some(({ usage }) => usage !== undefined)).toBe(false);
  });
});

it('several answers have seeds of their own, and one prompt', async () => {
  await using world = servedWorld();
  const asked = { ...CHAT, model: 'large', temperature: 1, seed: 5, n: 3, stream: true };
  const stream = { ...asked, stream_options: { include_usage: true } };
  const whole = JSON.parse(
    (await world.post('/v1/chat/completions', { ...asked, stream: false })).body,
  );
  const { choices, usage } = ANSWER.parse(whole);
  const texts = choices.map(({ message }) => message?.content);
  expect(new Set(texts).size).toBe(3);
  expect(usage?.prompt_tokens).toBe(4);
  const parts = partsOf((await world.post('/v1/chat/completions', stream)).body);
  const read = parts.map((part) => ANSWER.parse(part));
  const streamed = [0, 1, 2].map((index) =>
    read
      .flatMap((part) => part.choices)
      .filter((choice) => choice.index === index)
      .map(({ delta }) => delta?.content ?? '')
      .join(''),
  );
  expect(streamed).toEqual(texts);
  expect(parts.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
  expect(read.slice(0, -1).every((part) => part.usage === null)).toBe(true);
});

it('completions take texts, tokens and lists of both', async () => {
  await using world = servedWorld();
  const common = { model: 'large', temperature: 0, max_tokens: 12, seed: 1, logprobs: 1 };
  const answers = async (prompt: unknown): Promise<readonly (string | undefined)[]> => {
    const { body } = await world.post('/v1/completions', { ...common, prompt });
    return ANSWER.omit({ choices: true })
      .extend({ choices: z.array(CHOICE.omit({ logprobs: true })) })
      .parse(JSON.parse(body))
      .choices.map(({ text }) => text);
  };
  const [text] = await answers('abc');
  expect(await answers([0, 1, 2])).toEqual([text]);
  expect(await answers(['abc', [0, 1, 2], 'b'])).toEqual([text, text, ...(await answers('b'))]);
  const parts = partsOf(
    (await world.post('/v1/completions', { ...common, prompt: 'abc', stream: true })).body,
  );
  const streamed = parts.flatMap((part) =>
    z.array(z.object({ text: z.string() })).parse(part['choices']),
  );
  expect(streamed.map((choice) => choice.text).join('')).toBe(text);
});

it('says who wrote what, and what it cost', async () => {
  await using world = servedWorld();
  const asked = {
    ...CHAT,
    model: 'random@0.5',
    seed: 2,
    logprobs: true,
    pilotfish: { provenance: true },
  };
  const { body } = await world.post('/v1/chat/completions', asked);
  const { pilotfish, choices } = ANSWER.parse(JSON.parse(body));
  const { provenance, large_share: share } = z
    .object({ provenance: z.array(z.object({ origin: z.string() })), large_share: z.number() })
    .parse(pilotfish);
  const large = provenance.filter(({ origin }) => origin === 'large').length;
  expect(share).toBeCloseTo(large / provenance.length, 12);
  expect(choices[0]?.logprobs?.content).toHaveLength(provenance.length);
});
