/** Runs schemes on the same prompts in this process, and records what each end computes and sends. */
import type { Exchange } from '../../channel/exchange.ts';
import { messageBytes } from '../../channel/message-bytes.ts';
import { recordedExchange } from '../../channel/recorded-exchange.ts';
import { throwIfAborted } from '../../core/errors.ts';
import type { EngineEvent } from '../../core/events.ts';
import type { Progressing } from '../../core/progress.ts';
import type { Engine } from '../../engine/engine.ts';
import { pocketProblem } from '../../evaluation/tasks/pocket/problem.ts';
import { readsLogits } from '../../strategy/method.ts';
import type { UplinkOptions } from '../../strategy/strategy-options.ts';
import { type OpenEngineOptions, openEngine } from '../open-engine.ts';
import type { PairOptions } from '../pair-options.ts';
import { type Machines, recostedEvents } from './recosted-events.ts';
import { type LinkScheme, sentDistribution } from './schemes.ts';

export interface RunOptions extends PairOptions, Progressing {
  /** Asked in turns. Default: arithmetic word problems. */
  readonly prompts?: readonly string[] | undefined;
  /** Of each scheme, at least. */
  readonly tokenCount: number;
  readonly temperature: number;
  readonly seed: number;
  readonly uplink: UplinkOptions;
  /** Default: both are this machine. */
  readonly machines?: Machines | undefined;
}

export interface SchemeRun {
  readonly scheme: LinkScheme;
  /** Its threshold, which may be that of a fit; null: it has none. */
  readonly threshold: number | null;
  readonly exchanges: readonly Exchange[];
}

const ANSWER_TOKENS_MAX = 256;
/** A seed of problems on which no bundled model was trained. */
const PROBLEM_SEED = 20_261_130;

/** Schemes that send the same share an engine, which loads the models once. */
export async function runSchemes(
  schemes: readonly LinkScheme[],
  options: RunOptions,
): Promise<readonly SchemeRun[]> {
  const runs = new Map<LinkScheme, SchemeRun>();
  for (const sends of new Set(schemes.map((scheme) => scheme.sends ?? undefined))) {
    const own = schemes.filter((scheme) => (scheme.sends ?? undefined) === sends);
    const opened = await openFor(own, { ...options.uplink, sends, ahead: 0 }, options);
    await using engine = opened.engine;
    const { vocabularySize, keptCounts } = opened;
    for (const scheme of own) {
      const asked = { ...options, vocabularySize, keptCounts };
      runs.set(scheme, await runScheme(engine, scheme, asked));
    }
  }
  return schemes.flatMap((scheme) => runs.get(scheme) ?? []);
}

async function openFor(
  schemes: readonly LinkScheme[],
  uplink: UplinkOptions,
  options: RunOptions,
): Promise<Opened> {
  let vocabularySize = 0;
  const keptCounts: number[] = [];
  const onTransmit: OpenEngineOptions['onTransmit'] = (sent) => {
    if (sent.kind === 'compressed') keptCounts.push(sent.compressed.tokenIds.length);
  };
  const wrapModel: OpenEngineOptions['wrapModel'] = async (model) => {
    vocabularySize = Math.max(vocabularySize, model.vocabulary.size);
    return model;
  };
  const strategies = schemes.map(({ value }) => value);
  const engine = await openEngine({ ...options, strategies, uplink, onTransmit, wrapModel });
  return { engine, vocabularySize, keptCounts };
}

interface Opened {
  readonly engine: Engine;
  readonly vocabularySize: number;
  /** [message] tokens of the compressed distributions since it was emptied. */
  readonly keptCounts: number[];
}

async function runScheme(
  engine: Engine,
  scheme: LinkScheme,
  options: RunOptions & Omit<Opened, 'engine'>,
): Promise<SchemeRun> {
  const sent = sentDistribution(scheme, options.temperature, options.uplink);
  const bytes = messageBytes(options.vocabularySize, sent);
  const exchanges: Exchange[] = [];
  let threshold: number | null = null;
  const ask = async (events: AsyncIterable<EngineEvent>): Promise<number> => {
    const seen: EngineEvent[] = [];
    options.keptCounts.length = 0;
    for await (const event of events) {
      seen.push(event);
      if (event.type === 'start') [threshold = null] = Object.values(event.thresholds);
    }
    const { method } = scheme.value;
    const timed = recostedEvents(seen, options.machines ?? {}, readsLogits(method));
    const { aheadCount } = scheme;
    const keptCounts = [...options.keptCounts];
    const exchange = recordedExchange(timed, bytes, { aheadCount, keptCounts });
    exchanges.push(exchange);
    return exchange.turns.length;
  };
  await askUntil(engine, scheme, { ...options, label: `Running ${scheme.name}` }, ask);
  return { scheme, threshold, exchanges };
}

/**
 * Asks the prompts in turns until a scheme has written its tokens.
 * @param read reads the events of an answer, and returns its number of tokens
 */
export async function askUntil(
  engine: Engine,
  { value }: LinkScheme,
  options: RunOptions & { readonly label: string },
  read: (events: AsyncIterable<EngineEvent>) => Promise<number>,
): Promise<void> {
  const { label, tokenCount: total, temperature, seed, prompts, signal, onProgress } = options;
  for (let done = 0, index = 0; done < total; index += 1) {
    throwIfAborted(signal);
    onProgress?.({ label, done, total, unit: 'steps' });
    const answer = engine.generate({
      messages: [{ role: 'user', content: promptAt(index, prompts) }],
      ...{ strategy: value, sampling: { temperature }, seed: seed + index, signal },
      maxTokens: Math.min(ANSWER_TOKENS_MAX, total - done),
    });
    done += await read(answer);
  }
}

function promptAt(index: number, prompts: readonly string[] | undefined): string {
  const given = prompts?.[index % prompts.length];
  return given ?? pocketProblem({ split: 'test', seed: PROBLEM_SEED }, index).question;
}
