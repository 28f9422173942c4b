/**
 * How strategies behave on a few built-in prompts: which share of the tokens the large model writes,
 * how many drafts hold. A first idea of a pair, where the user gives no numbers of their own.
 */

import type { TokenEvent } from './core/events.ts';
import type { OnProgress } from './core/progress.ts';
import type { TokenId } from './core/token-id.ts';
import type { Engine } from './engine/engine.ts';
import { lookUp } from './speculative/prompt-lookup.ts';
import { STRATEGIES } from './strategy/registry.ts';

/** A question, code, prose: none is an example of any evaluation. */
const PROMPTS: readonly string[] = [
  'A ticket costs 12 coins and a child pays half. What do two adults and three children pay?',
  'Write a function that returns the second largest number of a list.',
  'Explain in a few sentences why the moon has phases.',
];
const TOKEN_COUNT = 48;
/** Calls the large model for every token, so that both models' choices are known. */
const ALWAYS_CALLS = 'entropy@-1';

export interface Behaviour {
  /** By strategy: the share at its default threshold. */
  readonly shares: Readonly<Record<string, number>>;
  readonly acceptance: number;
  readonly lookup: LookupBehaviour;
}

export interface LookupBehaviour {
  /** Share of the tokens before which the text so far, prompt included, holds something to look up. */
  readonly hitRate: number;
  /** Of what was found there, the share that holds. */
  readonly acceptance: number;
}

interface Options {
  /** What to try; default: `PROMPTS`. */
  readonly prompts?: readonly string[];
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
}

/** Strategies that route tokens by something that has to be tried out. */
export const ROUTING_STRATEGIES: readonly string[] = STRATEGIES.filter(
  ({ threshold, costModels }) =>
    threshold?.isShare === false && costModels.some(({ parameter }) => parameter === 'share'),
).map(({ name }) => name);

/** What has to be opened for it. */
export const MEASURED_STRATEGIES: readonly string[] = [ALWAYS_CALLS, ...ROUTING_STRATEGIES];

/** A prompt and what was written after it. */
interface Answer {
  readonly prompt: readonly TokenId[];
  readonly tokens: readonly TokenEvent[];
}

/** @throws PilotfishError what requests give rise to */
export async function measureBehaviour(
  engine: Pick<Engine, 'generate' | 'promptTokens'>,
  options: Options,
): Promise<Behaviour> {
  const { prompts = PROMPTS } = options;
  const total = MEASURED_STRATEGIES.length * prompts.length * TOKEN_COUNT;
  let done = 0;
  const answers = async (strategy: string): Promise<Answer[]> => {
    const all: Answer[] = [];
    for (const content of prompts) {
      const tokens: TokenEvent[] = [];
      const messages = [{ role: 'user' as const, content }];
      const signal = options.signal === undefined ? {} : { signal: options.signal };
      const request = { messages, strategy, maxTokens: TOKEN_COUNT, ...signal };
      for await (const event of engine.generate(request)) {
        if (event.type !== 'token') continue;
        tokens.push(event);
        done += 1;
        options.onProgress?.({ label: 'Trying out strategies', done, total, unit: 'steps' });
      }
      all.push({ prompt: engine.promptTokens(request), tokens });
    }
    return all;
  };
  const shares: Record<string, number> = {};
  for (const strategy of ROUTING_STRATEGIES) {
    const written = (await answers(strategy)).flatMap(({ tokens }) => tokens);
    shares[strategy] = share(written, (token) => token.origin === 'large');
  }
  // The large model's own text, with what the small one would have written at each place.
  const written = await answers(ALWAYS_CALLS);
  return {
    shares,
    acceptance: share(
      written.flatMap(({ tokens }) => tokens),
      (token) => token.proposedTokenId === token.tokenId,
    ),
    lookup: lookupBehaviour(
      written.map(({ prompt, tokens }) => ({
        prompt,
        answer: tokens.map(({ tokenId }) => tokenId),
      })),
    ),
  };
}

/** What prompt lookup would propose before each token of the answers, against what came. */
export function lookupBehaviour(
  texts: readonly { readonly prompt: readonly TokenId[]; readonly answer: readonly TokenId[] }[],
): LookupBehaviour {
  let tokenCount = 0;
  let found = 0;
  let held = 0;
  for (const { prompt, answer } of texts) {
    for (const [index, id] of answer.entries()) {
      tokenCount += 1;
      const proposal = lookUp([...prompt, ...answer.slice(0, index)], 1)?.tokens[0];
      if (proposal === undefined) continue;
      found += 1;
      if (proposal === id) held += 1;
    }
  }
  return { hitRate: part(found, tokenCount), acceptance: part(held, found) };
}

function share<T>(values: readonly T[], holds: (value: T) => boolean): number {
  return part(values.filter(holds).length, values.length);
}

function part(count: number, whole: number): number {
  return whole === 0 ? 0 : count / whole;
}
