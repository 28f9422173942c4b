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
  readonly lookupAcceptance: number;
}

interface Options {
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

/** @throws PilotfishError what requests give rise to */
export async function measureBehaviour(engine: Engine, options: Options): Promise<Behaviour> {
  const total = MEASURED_STRATEGIES.length * PROMPTS.length * TOKEN_COUNT;
  let done = 0;
  const answers = async (strategy: string): Promise<TokenEvent[][]> => {
    const all: TokenEvent[][] = [];
    for (const content of PROMPTS) {
      const tokens: TokenEvent[] = [];
      const messages = [{ role: 'user' as const, content }];
      const request = { messages, strategy, maxTokens: TOKEN_COUNT };
      const signal = options.signal === undefined ? {} : { signal: options.signal };
      for await (const event of engine.generate({ ...request, ...signal })) {
        if (event.type !== 'token') continue;
        tokens.push(event);
        done += 1;
        options.onProgress?.({ label: 'Trying out strategies', done, total, unit: 'steps' });
      }
      all.push(tokens);
    }
    return all;
  };
  const shares: Record<string, number> = {};
  for (const strategy of ROUTING_STRATEGIES) {
    shares[strategy] = shareOf(
      (await answers(strategy)).flat(),
      (token) => token.origin === 'large',
    );
  }
  const written = await answers(ALWAYS_CALLS);
  return {
    shares,
    acceptance: shareOf(written.flat(), (token) => token.proposedTokenId === token.tokenId),
    lookupAcceptance: lookupAcceptance(
      written.map((answer) => answer.map((token) => token.tokenId)),
    ),
  };
}

/** Of the tokens that prompt lookup would propose next, those that did come next. */
export function lookupAcceptance(answers: readonly (readonly TokenId[])[]): number {
  let found = 0;
  let held = 0;
  for (const answer of answers) {
    for (const [index, id] of answer.entries()) {
      const proposal = lookUp(answer.slice(0, index), 1)?.tokens[0];
      if (proposal === undefined) continue;
      found += 1;
      if (proposal === id) held += 1;
    }
  }
  return found === 0 ? 0 : held / found;
}

function shareOf<T>(values: readonly T[], holds: (value: T) => boolean): number {
  return values.length === 0 ? 0 : values.filter(holds).length / values.length;
}
