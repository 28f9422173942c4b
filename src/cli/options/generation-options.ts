/** The options that ask, chat and compare share: how they are parsed, and what they turn into. */
import { type Command, Option } from 'commander';
import type { OpenEngineOptions } from '../../app/open-engine.ts';
import { type DefinedFields, definedFields } from '../../core/defined-fields.ts';
import { PilotfishError } from '../../core/errors.ts';
import type { ModelRole, TokenPrices } from '../../core/events.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import { DRAFT_LENGTH_MAX } from '../../strategy/speculative.ts';
import { collectText } from './collect-text.ts';
import { integerFrom, type NumberRange, numberParser } from './parse-number.ts';

/** What commander hands to an action. Absent options are absent. */
export interface GenerationOptions extends PairFlags {
  readonly system?: string;
  readonly temperature: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly frequencyPenalty?: number;
  readonly presencePenalty?: number;
  readonly penaltyWindow?: number;
  readonly logitBias?: Readonly<Record<string, number>>;
  readonly seed?: number;
  readonly maxTokens?: number;
  readonly stop?: readonly string[];
  readonly priceSmall?: TokenPrices;
  readonly priceLarge?: TokenPrices;
  readonly proposer?: 'auto' | 'small' | 'prompt-lookup';
  readonly verifier?: 'coupling' | 'rejection';
  readonly draftLength?: 'auto' | number;
  readonly router?: readonly string[];
  readonly json?: boolean;
  /** False with `--no-color`. */
  readonly color: boolean;
}

const TEMPERATURE: NumberRange = {
  holds: (value) => value >= 0 && value <= 100,
  says: 'a number from 0 to 100',
};
const TOP_P: NumberRange = {
  holds: (value) => value > 0 && value <= 1,
  says: 'a number above 0, at most 1',
};
const MIN_P: NumberRange = {
  holds: (value) => value >= 0 && value < 1,
  says: 'a number from 0 up, below 1',
};
const REPETITION_PENALTY: NumberRange = {
  holds: (value) => value > 0 && value <= 100,
  says: 'a number above 0, at most 100',
};
const PENALTY: NumberRange = {
  holds: (value) => Math.abs(value) <= 100,
  says: 'a number from -100 to 100',
};
const SEED: NumberRange = { holds: Number.isSafeInteger, says: 'an integer' };
const DRAFT_LENGTH = integerFrom(1, DRAFT_LENGTH_MAX);

export const parseSeed: (text: string) => number = numberParser('--seed', SEED);

function collectBias(
  text: string,
  previous: Readonly<Record<string, number>> | undefined,
): Readonly<Record<string, number>> {
  const match = /^(\d+)=(-?\d+(?:\.\d+)?)$/.exec(text);
  if (match?.[1] !== undefined) return { ...previous, [match[1]]: Number(match[2]) };
  throw new PilotfishError('option-invalid', `--logit-bias is "${text}", not ID=BIAS.`, {
    remedy: 'Give --logit-bias as a token id and a number, as in 13=-100.',
    fields: { option: '--logit-bias', value: text },
  });
}

export function parsePrices(text: string): TokenPrices {
  const [input, output, ...more] = text.split(',').map((part) => Number(part.trim() || 'none'));
  const isPrice = (value: number | undefined): value is number =>
    value !== undefined && Number.isFinite(value) && value >= 0;
  if (isPrice(input) && isPrice(output) && more.length === 0) {
    return { inputPerMillion: input, outputPerMillion: output };
  }
  throw new PilotfishError('option-invalid', `A price is "${text}", not two numbers from 0 up.`, {
    remedy: 'Give a price as IN,OUT: what a million tokens read and written cost, as in 0.5,1.5.',
    fields: { option: '--price', value: text },
  });
}

function parseDraftLength(text: string): 'auto' | number {
  if (text === 'auto') return text;
  const says = `auto or ${DRAFT_LENGTH.says}`;
  return numberParser('--draft-length', { ...DRAFT_LENGTH, says })(text);
}

function collectStop(text: string, previous: readonly string[] | undefined): readonly string[] {
  if (text === '') {
    throw new PilotfishError('option-invalid', '--stop is "", which every answer contains.', {
      remedy: 'Give --stop as a text that should end the answer.',
      fields: { option: '--stop', value: text },
    });
  }
  return [...(previous ?? []), text];
}

/** Adds everything but the strategy, which compare takes in the plural. */
export function addGenerationOptions(command: Command): Command {
  addModelOptions(command);
  addSamplingOptions(command);
  return command
    .option('--json', 'print the events, one JSON object per line')
    .option('--no-color', 'no colours');
}

function addModelOptions(command: Command): void {
  addRouterOption(addPairOptions(command))
    .option('--price-small <IN,OUT>', 'what a million tokens read and written cost', parsePrices)
    .option('--price-large <IN,OUT>', 'the same for the large model', parsePrices);
}

/** Trained routers, by name of their files. */
export function addRouterOption(command: Command): Command {
  return command.option(
    '--router <FILE>',
    'a trained router instead of the one that comes along; repeatable',
    collectText,
  );
}

/** What `addPairOptions` reads. */
export interface PairFlags {
  readonly pair?: string;
  readonly small?: string;
  readonly large?: string;
  readonly template?: ModelRole;
  readonly context?: number;
  readonly threads?: number;
  readonly offline?: boolean;
}

type PairOptionFields = Pick<
  OpenEngineOptions,
  'pair' | 'small' | 'large' | 'template' | 'contextLength' | 'threadCount' | 'offline'
>;

export function pairOptions(flags: PairFlags): DefinedFields<PairOptionFields> {
  return definedFields({
    pair: flags.pair,
    small: flags.small,
    large: flags.large,
    template: flags.template,
    contextLength: flags.context,
    threadCount: flags.threads,
    offline: flags.offline,
  });
}

/** Which models, and how they are loaded. */
export function addPairOptions(command: Command): Command {
  return command
    .option('--pair <NAME>', 'the pair of models (see `pilotfish models`)')
    .option('--small <MODEL>', 'another small model: a name, a .gguf file, hub:owner/repo/file')
    .option('--large <MODEL>', 'another large model')
    .addOption(
      new Option('--template <MODEL>', 'whose chat template holds where the two differ').choices([
        'small',
        'large',
      ]),
    )
    .option('--offline', 'use only what is on this machine')
    .option(
      '--context <N>',
      'tokens that prompt and answer may take together',
      numberParser('--context', integerFrom(1)),
    )
    .option(
      '--threads <N>',
      'threads for computing',
      numberParser('--threads', integerFrom(1, 1024)),
    );
}

function addSamplingOptions(command: Command): void {
  command
    .option(
      '--temperature <T>',
      '0 always takes the most probable token',
      numberParser('--temperature', TEMPERATURE),
      0,
    )
    .option(
      '--top-k <K>',
      'choose among the K most probable tokens; 0: all',
      numberParser('--top-k', integerFrom(0)),
    )
    .option(
      '--top-p <P>',
      'choose among the fewest tokens that hold this probability',
      numberParser('--top-p', TOP_P),
    )
    .option(
      '--min-p <P>',
      'drop tokens less probable than this share of the best',
      numberParser('--min-p', MIN_P),
    )
    .option(
      '--repetition-penalty <P>',
      'above 1 makes tokens that occurred less likely',
      numberParser('--repetition-penalty', REPETITION_PENALTY),
    )
    .option(
      '--frequency-penalty <P>',
      'the same, for every time a token occurred',
      numberParser('--frequency-penalty', PENALTY),
    )
    .option('--presence-penalty <P>', 'the same, once', numberParser('--presence-penalty', PENALTY))
    .option(
      '--penalty-window <N>',
      'tokens that penalties look back (default: 64)',
      numberParser('--penalty-window', integerFrom(0)),
    )
    .option('--logit-bias <ID=BIAS>', 'added to the logit of a token; repeatable', collectBias)
    .option('--seed <N>', 'the same seed gives the same text (default: 0)', parseSeed)
    .option(
      '--max-tokens <N>',
      'tokens of the answer at most',
      numberParser('--max-tokens', integerFrom(1)),
    )
    .option('--stop <TEXT>', 'end the answer before this text; repeatable', collectStop)
    .addOption(
      new Option('--proposer <NAME>', 'who drafts for speculative').choices([
        'auto',
        'small',
        'prompt-lookup',
      ]),
    )
    .addOption(
      new Option(
        '--verifier <NAME>',
        'how speculative checks drafts; rejection repeats a seed only with a fixed --draft-length',
      ).choices(['coupling', 'rejection']),
    )
    .option('--draft-length <N>', 'tokens per draft of speculative, or auto', parseDraftLength);
}

export function engineOptions(options: GenerationOptions): OpenEngineOptions {
  const speculative = definedFields({
    proposer: options.proposer,
    verifier: options.verifier,
    draftLength: options.draftLength,
  });
  return definedFields({
    ...pairOptions(options),
    prices:
      options.priceSmall === undefined && options.priceLarge === undefined
        ? undefined
        : { small: options.priceSmall ?? null, large: options.priceLarge ?? null },
    routerFiles: options.router,
    speculative: Object.keys(speculative).length > 0 ? speculative : undefined,
  });
}

/** The parts of a request that do not change from turn to turn. */
export function requestFields(options: GenerationOptions): GenerateRequest {
  const { temperature, topK, topP, minP, logitBias } = options;
  const { repetitionPenalty, frequencyPenalty, presencePenalty, penaltyWindow } = options;
  return definedFields({
    sampling: definedFields({
      ...{ temperature, topK, topP, minP, logitBias },
      ...{ repetitionPenalty, frequencyPenalty, presencePenalty, penaltyWindow },
    }),
    seed: options.seed,
    maxTokens: options.maxTokens,
    stop: options.stop,
    logprobs: options.json,
  });
}
