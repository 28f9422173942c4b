/**
 * Measures what the path to a model on a server adds to a call, everything but waiting: the time of one
 * routed token through a session, less that of the same bytes sent and received by a bare HTTP client. Both
 * take turns against one server on this machine, which answers at once.
 *
 *   npm run --silent bench:server-overhead -- [--calls N] [--prompt-tokens N]
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Command } from 'commander';
import { Agent, request } from 'undici';
import { systemClock } from '../src/core/clock.ts';
import { GREEDY } from '../src/core/sampling-params.ts';
import { type TokenId, tokenIds } from '../src/core/token-id.ts';
import { Attempts } from '../src/remote/attempts.ts';
import { servedCapabilities } from '../src/remote/served-capabilities.ts';
import { ServedSession } from '../src/remote/served-session.ts';
import { ServerClient } from '../src/remote/server-client.ts';
import { vllm } from '../src/remote/vllm.ts';
import { WorkRecorder } from '../src/session/work-recorder.ts';

const ANSWER = JSON.stringify({
  id: 'cmpl-0',
  object: 'text_completion',
  choices: [{ index: 0, text: ' a', logprobs: null, finish_reason: 'length', token_ids: [11] }],
  usage: {
    prompt_tokens: 400,
    completion_tokens: 1,
    prompt_tokens_details: { cached_tokens: 384 },
  },
});

/** Before times are kept. */
const WARM_COUNT = 200;

const { calls, promptTokens } = new Command()
  .option('--calls <N>', 'calls of each kind', '2000')
  .option('--prompt-tokens <N>', 'tokens of the text', '400')
  .parse()
  .opts<{ calls: string; promptTokens: string }>();
const text = tokenIds(Array.from({ length: Number(promptTokens) }, (_, id) => 100_000 + id));
const server = await listening();
const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const client = new ServerClient({ base, env: {} });
const capabilities = servedCapabilities({
  topCountMax: 20,
  isBeforeSampling: true,
  takesBatches: true,
});
const session = new ServedSession(
  {
    ...{ client, capabilities, capabilitiesFor: () => capabilities, dialect: vllm },
    ...{ servedName: 'big', endToken: text[0] as TokenId, clock: systemClock },
    attempts: new Attempts({ limits: client.limits, clock: systemClock }),
  },
  'big',
  {
    promptLength: text.length,
    sampling: { vocabularySize: 151_936, sampling: GREEDY, seed: 0 },
    isEndOfGeneration: () => false,
    tokenBytes: () => new Uint8Array(),
    recorder: new WorkRecorder(),
    remoteSessions: new Set(),
    signal: new AbortController().signal,
  },
);
const agent = new Agent();
const body = JSON.stringify(
  vllm.rowsCall([text], { model: 'big', sampling: GREEDY, seed: null, topCount: null }).body,
);

const throughSession = (): Promise<unknown> =>
  session.rows({ text, outputCount: 1, purpose: 'correct' });
const bare = async (): Promise<unknown> => {
  const headers = { 'content-type': 'application/json' };
  const answer = await request(`${base}/v1/completions`, {
    ...{ method: 'POST', body, headers, dispatcher: agent },
  });
  return await answer.body.text();
};

const times: Record<'session' | 'bare', number[]> = { session: [], bare: [] };
for (let call = 0; call < Number(calls) + WARM_COUNT; call += 1) {
  const [one, other] = [await timed(bare), await timed(throughSession)];
  if (call < WARM_COUNT) continue;
  times.bare.push(one);
  times.session.push(other);
}
const [median, bareMedian] = [medianOf(times.session), medianOf(times.bare)];
process.stdout.write(
  `${calls} calls with ${text.length} tokens, medians: through a session ${median.toFixed(3)} ms, ` +
    `bare ${bareMedian.toFixed(3)} ms, added ${(median - bareMedian).toFixed(3)} ms\n`,
);
await session[Symbol.asyncDispose]();
await client[Symbol.asyncDispose]();
await agent.close();
server.close();

async function listening(): Promise<Server> {
  const answering = createServer((incoming, response) => {
    incoming.resume();
    incoming.on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(ANSWER);
    });
  });
  await new Promise<void>((done) => void answering.listen(0, '127.0.0.1', done));
  return answering;
}

async function timed(call: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await call();
  return performance.now() - startedMs;
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
