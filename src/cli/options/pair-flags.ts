/** The models, how they are loaded, and the prices of their tokens. */
import type { OpenEngineOptions } from '../../app/open-engine.ts';
import type { PairOptions } from '../../app/pair-options.ts';
import { PilotfishError } from '../../core/errors.ts';
import type { TokenPrices } from '../../core/events.ts';
import { choice, count, type FlagTable, number, text, texts, toggle } from './flags.ts';
import { integerFrom } from './parse-number.ts';

type PairFields = Pick<
  PairOptions,
  'pair' | 'small' | 'large' | 'template' | 'offline' | 'contextLength' | 'threadCount'
>;

const THREAD_COUNT_MAX = 1024;

export const PAIR_FLAGS: FlagTable<PairFields> = {
  pair: text('--pair <NAME>', 'the pair of models (see `pilotfish models`)'),
  small: text(
    '--small <MODEL>',
    'another small model: a name, a .gguf file, hub:owner/repo/file, or a server',
  ),
  large: text(
    '--large <MODEL>',
    'another large model, or a server: vllm:http://HOST:PORT/MODEL (docs/SERVERS.md)',
  ),
  template: choice(
    '--template <MODEL>',
    'the model whose chat template holds where the two differ',
    ['small', 'large'],
  ),
  offline: toggle('--offline', 'use only what is on this machine'),
  contextLength: number(
    '--context <N>',
    'the most tokens of prompt and answer together',
    integerFrom(1),
  ),
  threadCount: count('--threads <N>', 'threads for computing', THREAD_COUNT_MAX),
};

/** For commands that run methods of steps. */
export const JUDGE_FLAGS: FlagTable<Pick<PairOptions, 'judge' | 'reward'>> = {
  judge: text('--judge <MODEL>', 'the model that judges steps (default: the large model)'),
  reward: text('--reward <MODEL>', 'a process reward model (default: that of the pair)'),
};

export const HEAD_FLAGS: FlagTable<Pick<OpenEngineOptions, 'headFiles'>> = {
  headFiles: texts(
    '--head <FILE>',
    'a trained router or reward, in place of the bundled one; repeatable',
  ),
};

export interface Prices {
  readonly priceSmall?: TokenPrices | undefined;
  readonly priceLarge?: TokenPrices | undefined;
}

export const PRICE_FLAGS: FlagTable<Prices> = {
  priceSmall: {
    usage: '--price-small <IN,OUT>',
    description: 'the prices of a million tokens read and written',
    parse: parsePrices,
  },
  priceLarge: {
    usage: '--price-large <IN,OUT[,CACHED]>',
    description: "the same for the large model, and of tokens that its server's cache held",
    parse: parsePrices,
  },
};

export function pricesOf({ priceSmall, priceLarge }: Prices): OpenEngineOptions['prices'] {
  if (priceSmall === undefined && priceLarge === undefined) return undefined;
  return { small: priceSmall ?? null, large: priceLarge ?? null };
}

function parsePrices(given: string): TokenPrices {
  const numbers = given.split(',').map((part) => Number(part.trim() || 'none'));
  const isPrice = (value: number): boolean => Number.isFinite(value) && value >= 0;
  const [input = 0, output = 0, cached] = numbers;
  if (numbers.every(isPrice) && (numbers.length === 2 || numbers.length === 3)) {
    return {
      ...{ inputPerMillion: input, outputPerMillion: output },
      ...(cached === undefined ? {} : { cachedInputPerMillion: cached }),
    };
  }
  throw new PilotfishError('option-invalid', `A price is "${given}", not numbers from 0 up.`, {
    remedy:
      'Give a price as IN,OUT or IN,OUT,CACHED: the prices of a million tokens read, written, and ' +
      "read from a server's cache, as in 0.5,1.5,0.05.",
    fields: { option: '--price', value: given },
  });
}
