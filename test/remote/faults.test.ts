/** A server, or what stands before it, that fails at every point of a conversation. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FakeCall } from '../../src/remote/fakes/fake-vllm.ts';
import { runs } from '../runs.ts';
import { chatWorld, expected, idsOf, remoteWorld, run, SPECULATIVE } from './remote-world.ts';

/** What happens to a call or in the middle of a stream. */
const FAULTS = {
  reset: ({ response }) => void response.socket?.destroy(),
  'reset after the headers': ({ response }) => {
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"choices": [');
    response.socket?.destroy();
  },
  'end early': ({ response }) => void response.end(),
  'say it is busy': (call) => answer(call, 503, '{"error":{"message":"overloaded"}}'),
  'ask to wait': (call) => answer(call, 429, '{"detail":"slow down"}', { 'retry-after': '0.01' }),
  'answer with a web page': (call) => answer(call, 200, '<html>Login</html>'),
  'answer with another object': (call) => answer(call, 200, '{"object":"list","data":[]}'),
  'leave out rows': (call) => answer(call, 200, '{"choices":[],"usage":null}'),
  'answer for other rows': (call) =>
    answer(call, 200, '{"choices":[{"index":7,"token_ids":[1],"finish_reason":"length"}]}'),
  'write a token that does not exist': (call) =>
    answer(call, 200, choice('"token_ids":[999],"finish_reason":"length"')),
  'report an error in the middle': ({ response }) => {
    if (response.headersSent) response.write('data: {"error":{"message":"out of memory"}}\n\n');
    else response.socket?.destroy();
  },
  // A part that says a true count would be a token, and nothing could tell.
  'repeat a part': (call) => partOf(call, 1),
  'lose parts': (call) => partOf(call, 90),
  'send no JSON in the middle': ({ response }) => {
    if (response.headersSent) response.write('data: <html>\n\n');
    else response.socket?.destroy();
  },
  'send a comment': ({ response }) => {
    if (response.headersSent) response.write(': ping\n\n');
  },
} satisfies Readonly<Record<string, (call: FakeCall) => void>>;

type FaultName = keyof typeof FAULTS;

const NAMES = Object.keys(FAULTS) as readonly FaultName[];

function answer(
  { response }: FakeCall,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  // Once a stream has begun, only its connection is left to fail.
  if (response.headersSent) response.socket?.destroy();
  else response.writeHead(status, headers).end(body);
}

/** A part of a stream that says how many tokens there are so far. */
function partOf({ response }: FakeCall, count: number): void {
  const usage = `{"prompt_tokens":4,"completion_tokens":${count}}`;
  const part = choice('"token_ids":[1],"finish_reason":null', usage);
  if (response.headersSent) response.write(`data: ${part}\n\n`);
  else response.socket?.destroy();
}

function choice(fields: string, usage = 'null'): string {
  return `{"choices":[{"index":0,${fields}}],"usage":${usage}}`;
}

/** Faults by the number of quiet points before each: calls, and tokens of streams. */
type Plan = readonly (readonly [quietCount: number, fault: FaultName])[];

function player(plan: Plan): (call: FakeCall) => void {
  const left = [...plan];
  let quiet = left[0]?.[0] ?? 0;
  return (call) => {
    const [next] = left;
    if (next === undefined || quiet > 0) {
      quiet -= 1;
      return;
    }
    left.shift();
    quiet = left[0]?.[0] ?? 0;
    FAULTS[next[1]](call);
  };
}

const PLANS: fc.Arbitrary<Plan> = fc.array(
  fc.tuple(fc.nat({ max: 6 }), fc.constantFrom(...NAMES)),
  { maxLength: 5 },
);

// More attempts than faults.
const LIMITS = { attemptCountMax: 8 };

describe.each(['large', 'random@0.5', 'cascade@0.2', 'speculative'])('under %s', (strategy) => {
  it('no token is lost, repeated or invented, whichever faults come when', async () => {
    const ids = await expected({ strategy });
    await fc.assert(
      fc.asyncProperty(PLANS, async (plan) => {
        const play = player(plan);
        const serving = { onCall: play, onToken: play };
        await using world = await remoteWorld(serving, { speculative: SPECULATIVE }, LIMITS);
        expect(idsOf(await run(world.engine, { strategy }))).toEqual(ids);
      }),
      { numRuns: runs(10, 200) },
    );
  });
});

describe.each([
  ['vllm', 'large'],
  ['vllm', 'cascade@0.2'],
  ['vllm', 'random-step@0.5'],
  ['openai', 'large'],
  ['openai', 'cascade@0.2'],
] as const)('in a conversation with %s under %s', (kind, strategy) => {
  it('no word is lost, repeated or invented, whichever faults come when', async () => {
    const steps = { steps: { separators: ['c'], stepTokenCountMax: 5 } };
    const request = { prompt: 'abcd', promptTokenIds: undefined, strategy };
    const ids = await expected(request, steps);
    await fc.assert(
      fc.asyncProperty(PLANS, async (plan) => {
        let play: (call: FakeCall) => void = () => {};
        const serving = {
          onCall: (call: FakeCall) => play(call),
          onToken: (call: FakeCall) => play(call),
        };
        await using world = await chatWorld(serving, steps, { kind, ...LIMITS });
        // The server was asked what it can do.
        play = player(plan);
        expect(idsOf(await run(world.engine, request))).toEqual(ids);
      }),
      { numRuns: runs(10, 200) },
    );
  });
});
