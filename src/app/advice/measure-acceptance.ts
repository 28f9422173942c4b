/**
 * Tries strategies out on a few built-in prompts: the share of tokens that the large model writes, and
 * the share of drafts that hold. It gives a first idea of a pair if the user has no numbers.
 */

import { systemClock } from '../../core/clock.ts';
import type { EngineEvent, TokenEvent } from '../../core/events.ts';
import type { OnProgress } from '../../core/progress.ts';
import type { TokenId } from '../../core/token-id.ts';
import type { Engine } from '../../engine/engine.ts';
import { lookUp } from '../../speculative/prompt-lookup.ts';
import { entropyMethod } from '../../strategy/entropy.ts';
import { isOfPair, type Method, type StrategyValue } from '../../strategy/method.ts';
import { METHODS } from '../../strategy/methods.ts';
import { strategyValue } from '../../strategy/strategy-value.ts';

/** A question, code and prose. None of them occurs in an evaluation. */
export const PROMPTS: readonly string[] = [
  'A ticket costs 12 coins and a child pays half. What do two adults and three children pay?',
  'Write a function that returns the second largest number of a list.',
  'Explain in a few sentences why the moon has phases.',
];
const TOKEN_COUNT = 96;
/** Calls the large model for every token, so that both models' choices are known. */
export const ALWAYS_CALLS: StrategyValue = strategyValue(entropyMethod, -1);

export interface AcceptanceStatistics {
  /** The share of each method that was tried, at its default threshold, by the method's name. */
  readonly shares: Readonly<Record<string, number>>;
  readonly acceptance: number;
  readonly lookup: LookupStatistics;
  /**
   * The milliseconds that the engine adds around a forward for batching, strategy and events. They
   * matter for a model whose forward takes a millisecond. Null if nothing was timed.
   */
  readonly overheadMs: number | null;
}

export interface LookupStatistics {
  /** The share of tokens at which the text so far, prompt included, offers a draft. */
  readonly hitRate: number;
  /** The share of those drafts that hold. */
  readonly acceptance: number;
}

interface Options {
  /** The prompts to try; default: `PROMPTS`. */
  readonly prompts?: readonly string[] | undefined;
  /** The strategies to try, of `MEASURED_STRATEGIES`; default: all. */
  readonly strategies?: readonly StrategyValue[] | undefined;
  /** No further strategy is tried after this time. Default: none. */
  readonly budgetMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/** Methods whose share of the large model is known only when they are tried out. */
export const TRIED_METHODS: readonly Method[] = METHODS.filter(
  ({ head, controlOf, needs, costModels }) =>
    head === null &&
    controlOf === null &&
    isOfPair({ needs }) &&
    costModels.some(({ parameter }) => parameter === 'share'),
);

/** The strategies that an engine has to be opened with. */
export const MEASURED_STRATEGIES: readonly StrategyValue[] = [
  ALWAYS_CALLS,
  ...TRIED_METHODS.map((method) => strategyValue(method)),
];

/** A prompt, its answer, and the time that the answer took. */
interface Answer {
  readonly prompt: readonly TokenId[];
  readonly tokens: readonly TokenEvent[];
  /** Counted from the first token on, without the reading of the prompt. */
  readonly forwardCount: number;
  readonly computeMs: number;
}

/** @throws PilotfishError as `Engine.generate` */
export async function measureAcceptance(
  engine: Pick<Engine, 'generate' | 'promptTokens'>,
  options: Options,
): Promise<AcceptanceStatistics> {
  const { prompts = PROMPTS, strategies = MEASURED_STRATEGIES, budgetMs = Infinity } = options;
  const total = strategies.length * prompts.length * TOKEN_COUNT;
  const endMs = systemClock.nowMs() + budgetMs;
  let done = 0;
  const advance = (): void => {
    done += 1;
    options.onProgress?.({ label: 'Trying out strategies', done, total, unit: 'steps' });
  };
  const answers = async (strategy: StrategyValue): Promise<Answer[]> => {
    const all: Answer[] = [];
    for (const content of prompts) {
      const messages = [{ role: 'user' as const, content }];
      const request = { messages, strategy, maxTokens: TOKEN_COUNT, signal: options.signal };
      const prompt = engine.promptTokens(request);
      all.push({ prompt, ...(await readAnswer(engine.generate(request), advance)) });
    }
    return all;
  };
  // The large model's own text, and the small model's choice at each position.
  const written = strategies.includes(ALWAYS_CALLS) ? await answers(ALWAYS_CALLS) : [];
  const shares: Record<string, number> = {};
  for (const value of strategies) {
    if (value === ALWAYS_CALLS || systemClock.nowMs() > endMs) continue;
    const { method } = value;
    const own = await answers(value);
    // The share of a method that chooses whole answers is a share of answers, not of tokens.
    const isQuery = method.unit === 'query';
    const counted = own.flatMap(({ tokens }) => (isQuery ? tokens.slice(0, 1) : tokens));
    shares[method.name] = share(counted, (token) => token.origin === 'large');
  }
  return {
    shares,
    acceptance: share(
      written.flatMap(({ tokens }) => tokens),
      (token) => token.proposedTokenId === token.tokenId,
    ),
    lookup: lookupStatistics(
      written.map(({ prompt, tokens }) => ({
        prompt,
        answer: tokens.map(({ tokenId }) => tokenId),
      })),
    ),
    overheadMs: overheadMs(written),
  };
}

/** The median over the answers, so that a busy moment does not count. */
function overheadMs(answers: readonly Answer[]): number | null {
  const all = answers.flatMap(({ tokens, forwardCount, computeMs }) => {
    const [first, last] = [tokens[0], tokens.at(-1)];
    if (first === undefined || last === undefined || forwardCount === 0) return [];
    return [Math.max(0, last.elapsedMs - first.elapsedMs - computeMs) / forwardCount];
  });
  return all.sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? null;
}

async function readAnswer(
  events: AsyncIterable<EngineEvent>,
  onToken: () => void,
): Promise<Omit<Answer, 'prompt'>> {
  const tokens: TokenEvent[] = [];
  let [forwardCount, computeMs] = [0, 0];
  for await (const event of events) {
    if (event.type === 'work' && tokens.length > 0) {
      forwardCount += event.rowCounts.length;
      computeMs += event.computeMs;
    }
    if (event.type !== 'token') continue;
    tokens.push(event);
    onToken();
  }
  return { tokens, forwardCount, computeMs };
}

/** Compares what prompt lookup would propose at each position of the answers with the real token. */
export function lookupStatistics(
  texts: readonly { readonly prompt: readonly TokenId[]; readonly answer: readonly TokenId[] }[],
): LookupStatistics {
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
