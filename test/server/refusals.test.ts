/** What a client is told of a wrong request, key or name. */
import { expect, it } from 'vitest';
import { type ServedWorld, servedWorld } from './served-world.ts';

const CHAT = { model: 'margin', messages: [{ role: 'user', content: 'abcd' }], max_tokens: 4 };
const PATH = '/v1/chat/completions';

async function refused(
  world: ServedWorld,
  body: unknown,
): Promise<{ readonly status: number; readonly error: Record<string, unknown> }> {
  const { statusCode, body: text } = await world.post(PATH, body);
  return { status: statusCode, error: JSON.parse(text).error };
}

it.each([
  [{ ...CHAT, model: 'gpt-9' }, 404, 'model_not_found', 'model'],
  [{ ...CHAT, model: 'citer' }, 404, 'model_not_found', 'model'],
  [{ ...CHAT, model: 'margin@x' }, 400, 'threshold_invalid', null],
  [{ ...CHAT, messages: 'hello' }, 400, 'invalid_request', 'messages'],
  [{ ...CHAT, messages: [] }, 400, 'invalid_request', 'messages'],
  [
    { ...CHAT, messages: [{ role: 'cook', content: 'x' }] },
    400,
    'invalid_request',
    'messages.0.role',
  ],
  [{ ...CHAT, temperature: -1 }, 400, 'option_invalid', 'temperature'],
  [{ ...CHAT, n: 99 }, 400, 'invalid_request', 'n'],
  [{ ...CHAT, max_tokens: 0 }, 400, 'invalid_request', 'max_tokens'],
  [
    { ...CHAT, messages: [{ role: 'user', content: 'a'.repeat(500) }] },
    400,
    'context_length_exceeded',
    null,
  ],
  ['{"model": ', 400, 'invalid_request', null],
])('%j', async (body, status, code, param) => {
  await using world = servedWorld();
  const answer = await refused(world, body);
  expect(answer).toMatchObject({ status, error: { code, param, type: 'invalid_request_error' } });
  expect(String(answer.error['message']).length).toBeGreaterThan(10);
  expect(world.failures).toEqual([]);
  await world.engine.checkIdle();
});

it('an image is refused in words, and unknown fields are tolerated', async () => {
  await using world = servedWorld();
  const content = [{ type: 'image_url', image_url: { url: 'data:' } }];
  const { error } = await refused(world, { ...CHAT, messages: [{ role: 'user', content }] });
  expect(error['message']).toContain('no model here reads images');
  const parts = [
    { type: 'text', text: 'ab' },
    { type: 'text', text: 'cd' },
  ];
  const messages = [{ role: 'user', content: parts, name: 'x' }];
  expect(
    (await world.post(PATH, { ...CHAT, messages, metadata: {}, store: true })).statusCode,
  ).toBe(200);
});

it('a key is asked for, and not for the health', async () => {
  await using world = servedWorld({ keys: ['secret-1', 'secret-2'] });
  expect((await world.post(PATH, CHAT)).statusCode).toBe(401);
  const wrong = await world.post(PATH, CHAT, { authorization: 'Bearer secret-3' });
  expect(wrong.statusCode).toBe(401);
  expect(wrong.body).not.toContain('secret');
  expect((await world.post(PATH, CHAT, { authorization: 'Bearer secret-2' })).statusCode).toBe(200);
  expect((await world.get('/health')).statusCode).toBe(200);
  expect((await world.get('/metrics')).statusCode).toBe(401);
});

it.each([
  ['evil.example', 403],
  ['evil.example:7430', 403],
  ['localhost.evil.example', 403],
  ['localhost:7430', 200],
  ['127.0.0.1:7430', 200],
  ['[::1]:7430', 200],
  ['box.lan', 200],
])('without a key the host %s gets %i', async (host, status) => {
  await using world = servedWorld({ hosts: ['box.lan'] });
  expect((await world.get('/v1/models', { host })).statusCode).toBe(status);
});

it('lists strategies as models, and pages say how it is', async () => {
  await using world = servedWorld();
  const { data } = JSON.parse((await world.get('/v1/models')).body);
  expect(data.map(({ id }: { id: string }) => id)).toContain('speculative');
  expect((await world.get('/')).body).toContain('/v1');
  expect((await world.get('/v1/nothing')).statusCode).toBe(404);
  await world.post(PATH, CHAT);
  const { body } = await world.get('/metrics');
  expect(body).toMatch(
    /pilotfish_tokens_total\{pair="fake",strategy="margin",origin="(small|large)"\} \d/,
  );
  expect(body).toMatch(
    /pilotfish_requests_total\{route="\/v1\/chat\/completions",status="200"\} 1/,
  );
});

it('cuts texts into tokens, and joins them again', async () => {
  await using world = servedWorld();
  const tokens = async (body: object) => JSON.parse((await world.post('/tokenize', body)).body);
  expect(await tokens({ content: 'abcd' })).toEqual({ tokens: [0, 1, 2, 3], count: 4 });
  const messages = [{ role: 'user', content: 'abcd' }];
  expect(await tokens({ messages })).toEqual(await tokens({ prompt: 'abcd' }));
  const { body } = await world.post('/detokenize', { tokens: [3, 2, 0] });
  expect(JSON.parse(body)).toEqual({ content: 'dca', prompt: 'dca' });
  const wrong = await world.post('/detokenize', { tokens: [99] });
  expect(JSON.parse(wrong.body).error).toMatchObject({ param: 'tokens' });
});

it.each([
  ['tools', [{ type: 'function', function: { name: 'f' } }]],
  ['top_logprobs', 3],
  ['functions', [{ name: 'f' }]],
])('what would be ignored is refused: %s', async (param, value) => {
  await using world = servedWorld();
  const answer = await refused(world, { ...CHAT, [param]: value });
  expect(answer).toMatchObject({ status: 400, error: { code: 'unsupported_parameter', param } });
  const idle = { ...CHAT, [param]: Array.isArray(value) ? [] : 0 };
  expect((await world.post(PATH, idle)).statusCode).toBe(200);
});

it('embeddings are refused by name', async () => {
  await using world = servedWorld();
  const { statusCode, body } = await world.post('/v1/embeddings', { model: 'small', input: 'a' });
  expect(statusCode).toBe(400);
  expect(JSON.parse(body).error.message).toContain('embeddings');
});
