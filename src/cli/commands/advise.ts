/** `pilotfish advise`: whether and where each strategy pays, before anything is built on it. */
import { type Command, Option } from 'commander';
import type { LookupStatistics } from '../../app/measure-acceptance.ts';
import type { AdviceInputs } from '../../app/prepare-advice.ts';
import { PilotfishError } from '../../core/errors.ts';
import type { TokenPrices } from '../../core/events.ts';
import { required } from '../../core/invariant.ts';
import {
  type Advice,
  advise,
  BILLINGS,
  type Billing,
  type CostScenario,
} from '../../machines/advise.ts';
import type { CostModel } from '../../machines/cost-model.ts';
import type { ForwardCosts } from '../../machines/forward-costs.ts';
import { KNOWN_MACHINES } from '../../machines/known-machines.ts';
import type { MachineProfile } from '../../machines/machine-profile.ts';
import { type CostedModel, profileCosts } from '../../machines/profile-costs.ts';
import type { Method } from '../../strategy/method.ts';
import { largeMethod } from '../../strategy/single-model.ts';
import type { CliDependencies } from '../cli-dependencies.ts';
import { type CliIo, withoutColor } from '../io.ts';
import { parsePrices } from '../options/generation-options.ts';
import {
  integerFrom,
  numberParser,
  ROUND_TRIP_MS,
  UNIT_INTERVAL,
} from '../options/parse-number.ts';
import { progressBar } from '../rendering/progress-bar.ts';
import { renderAdvice } from '../rendering/render-advice.ts';

interface AdviseOptions {
  readonly pair?: string;
  readonly small?: string;
  readonly large?: string;
  readonly profile?: string;
  readonly remoteProfile?: string;
  readonly roundTrip?: number;
  readonly share?: number;
  readonly acceptance?: number;
  readonly lookup?: LookupStatistics;
  readonly promptTokens: number;
  readonly answerTokens: number;
  readonly priceSmall?: TokenPrices;
  readonly priceLarge?: TokenPrices;
  readonly billing: Billing;
  readonly threads?: number;
  readonly offline?: boolean;
  readonly json?: boolean;
  readonly color: boolean;
}

/** Advice on a large model in one place. */
export interface PlacedAdvice {
  readonly place: 'local' | 'remote';
  readonly roundTripMs: number;
  /** Of the machine that the large model runs on. */
  readonly largeProfile: MachineProfile;
  readonly strategies: readonly Advice[];
}

const PROMPT_TOKENS_DEFAULT = 128;
const ANSWER_TOKENS_DEFAULT = 256;
const TOKENS_MAX = 32_768;

const DESCRIPTION =
  'Says for every strategy whether it costs less than the large model alone: in time, weight ' +
  'traffic, FLOPs and, with prices, money; and from where on it does. It says nothing about how ' +
  'good the answers are. Without --share and --acceptance the strategies are tried out on a few ' +
  'built-in prompts. Machines that nobody measured are built in by their data sheets: ' +
  `${KNOWN_MACHINES.map(({ name }) => name).join(', ')}.`;

const EXAMPLES = `Examples:
  pilotfish advise
  pilotfish advise --share 0.2 --acceptance 0.7
  pilotfish advise --profile rtx-4090 --share 0.2 --acceptance 0.7
  pilotfish advise --share 0.2 --acceptance 0.7 --lookup 0.1,0.6
  pilotfish advise --round-trip 40 --remote-profile h100-sxm
  pilotfish advise --round-trip 40 --price-large 0.5,1.5 --billing per-call`;

export function registerAdvise(program: Command, io: CliIo, dependencies: CliDependencies): void {
  const command = program
    .command('advise')
    .summary('whether and where each strategy pays')
    .description(DESCRIPTION)
    .option('--pair <NAME>', 'the pair of models (see `pilotfish models`)')
    .option('--small <MODEL>', 'another small model: a name, a .gguf file, hub:owner/repo/file')
    .option('--large <MODEL>', 'another large model')
    .option('--profile <NAME>', 'the machine: a stored or built-in profile, or a .json file');
  addSituationOptions(command)
    .option('--json', 'print the advice as one JSON object')
    .option('--no-color', 'no colours')
    .addHelpText('after', `\n${EXAMPLES}`)
    .action(async (options: AdviseOptions) => {
      await adviseCommand(options, options.color ? io : withoutColor(io), dependencies);
    });
}

function addSituationOptions(command: Command): Command {
  const tokens = (option: string): ((text: string) => number) =>
    numberParser(option, integerFrom(1, TOKENS_MAX));
  return command
    .option(
      '--round-trip <MS>',
      'also advise on a large model behind a network of this round trip',
      numberParser('--round-trip', ROUND_TRIP_MS),
    )
    .option('--remote-profile <NAME>', 'the machine of that model (default: the same one)')
    .option(
      '--share <SHARE>',
      'share of the tokens that the large model writes, for routing',
      numberParser('--share', UNIT_INTERVAL),
    )
    .option(
      '--acceptance <SHARE>',
      'share of the drafts of the small model that hold, for speculation',
      numberParser('--acceptance', UNIT_INTERVAL),
    )
    .option(
      '--lookup <HITS,SHARE>',
      'prompt lookup: share of the tokens where it finds a draft, and of those drafts that hold',
      parseLookup,
    )
    .option(
      '--prompt-tokens <N>',
      'length of a prompt in tokens',
      tokens('--prompt-tokens'),
      PROMPT_TOKENS_DEFAULT,
    )
    .option(
      '--answer-tokens <N>',
      'length of an answer in tokens',
      tokens('--answer-tokens'),
      ANSWER_TOKENS_DEFAULT,
    )
    .option('--price-small <IN,OUT>', 'what a million tokens read and written cost', parsePrices)
    .option('--price-large <IN,OUT>', 'the same for the large model', parsePrices)
    .addOption(
      new Option(
        '--billing <HOW>',
        'how the large model is billed: every row once, by a server that keeps the sequence, or ' +
          'the whole text at each call, by an API that keeps nothing',
      )
        .choices(BILLINGS)
        .default(BILLINGS[0]),
    )
    .option(
      '--threads <N>',
      'threads for computing',
      numberParser('--threads', integerFrom(1, 1024)),
    )
    .option('--offline', 'use only what is on this machine');
}

async function adviseCommand(
  options: AdviseOptions,
  io: CliIo,
  dependencies: CliDependencies,
): Promise<void> {
  const inputs = await prepare(options, io, dependencies);
  const places = placesOf(inputs).map(({ place, roundTripMs, largeProfile }) => ({
    place,
    roundTripMs,
    largeProfile,
    strategies: adviceFor(
      dependencies.methods,
      situationOf(options, inputs, largeProfile, roundTripMs),
      (method, model) => parameterValue(method, model, options, inputs),
    ),
  }));
  if (options.json === true) {
    io.out(`${jsonLine(options, inputs, places)}\n`);
    return;
  }
  const context = { ...options, ...inputs, knowsLookup: lookupOf(options, inputs) !== null };
  io.out(renderAdvice(places, context, io.columns, io.color));
}

async function prepare(
  options: AdviseOptions,
  io: CliIo,
  { prepareAdvice }: CliDependencies,
): Promise<AdviceInputs> {
  const { pair, small, large, profile, remoteProfile, roundTrip, threads, offline } = options;
  const bar = progressBar(io);
  try {
    return await prepareAdvice({
      triesOut: options.share === undefined || options.acceptance === undefined,
      signal: io.signal,
      onProgress: bar.onProgress,
      onNotice: bar.onNotice,
      ...(pair === undefined ? {} : { pair }),
      ...(small === undefined ? {} : { small }),
      ...(large === undefined ? {} : { large }),
      ...(profile === undefined ? {} : { profile }),
      ...(remoteProfile === undefined ? {} : { remoteProfile }),
      ...(roundTrip === undefined ? {} : { roundTripMs: roundTrip }),
      ...(threads === undefined ? {} : { threadCount: threads }),
      ...(offline === undefined ? {} : { offline }),
    });
  } finally {
    bar.stop();
  }
}

type Place = Omit<PlacedAdvice, 'strategies'>;

function placesOf(inputs: AdviceInputs): readonly Place[] {
  const { profile, remoteProfile, roundTripMs } = inputs;
  const local: Place = { place: 'local', roundTripMs: 0, largeProfile: profile };
  if (roundTripMs === null) return [local];
  return [local, { place: 'remote', roundTripMs, largeProfile: remoteProfile }];
}

function situationOf(
  options: AdviseOptions,
  inputs: AdviceInputs,
  largeProfile: MachineProfile,
  roundTripMs: number,
): CostScenario {
  const { priceSmall, priceLarge, promptTokens, answerTokens, billing } = options;
  const {
    models: { small, large },
    profile,
  } = inputs;
  const lookup = lookupOf(options, inputs);
  return {
    models: {
      small: { ...small, costs: costsOn(profile, small, inputs), prices: priceSmall ?? null },
      large: { ...large, costs: costsOn(largeProfile, large, inputs), prices: priceLarge ?? null },
    },
    roundTripMs,
    billing,
    ...(lookup === null ? {} : { lookupHitRate: lookup.hitRate }),
    promptTokenCount: promptTokens,
    answerTokenCount: answerTokens,
  };
}

/** With what the engine was seen to add around a forward, where it ran on this very machine. */
function costsOn(
  of: MachineProfile,
  model: CostedModel,
  { profile, statistics }: AdviceInputs,
): ForwardCosts {
  const costs = profileCosts(of, model);
  const seenMs = of === profile ? (statistics?.overheadMs ?? 0) : 0;
  return { ...costs, overheadMs: Math.max(costs.overheadMs, seenMs) };
}

function adviceFor(
  methods: readonly Method[],
  situation: CostScenario,
  value: (method: Method, model: CostModel) => number | null,
): readonly Advice[] {
  const alone = required(largeMethod.costModels[0], 'every method has a cost model');
  return methods.flatMap((method) =>
    method.costModels.flatMap((model) => {
      const known = value(method, model);
      return known === null ? [] : [advise(model, alone, situation, known)];
    }),
  );
}

/** What the user said, else what was tried out; null where nobody knows. */
function parameterValue(
  method: Method,
  { parameter }: CostModel,
  options: AdviseOptions,
  inputs: AdviceInputs,
): number | null {
  const { share, acceptance } = options;
  const { statistics } = inputs;
  const byDefault = method.threshold?.isShare === true ? method.threshold.default : 0;
  switch (parameter) {
    case null:
      return 0;
    case 'share':
      // Nobody knows what a router that is not here would do.
      return share ?? statistics?.shares[method.name] ?? (method.head === null ? byDefault : null);
    case 'acceptance':
      return acceptance ?? statistics?.acceptance ?? 0;
    case 'lookup-acceptance':
      return lookupOf(options, inputs)?.acceptance ?? null;
  }
}

/** How prompt lookup fares says something of texts, not of the pair: `--acceptance` does not tell. */
function lookupOf(
  { lookup }: AdviseOptions,
  { statistics }: AdviceInputs,
): LookupStatistics | null {
  return lookup ?? statistics?.lookup ?? null;
}

function parseLookup(text: string): LookupStatistics {
  const [hitRate, acceptance, ...more] = text
    .split(',')
    .map((part) => Number(part.trim() || 'none'));
  const isShare = (value: number | undefined): value is number =>
    value !== undefined && value >= 0 && value <= 1;
  if (isShare(hitRate) && isShare(acceptance) && more.length === 0) return { hitRate, acceptance };
  throw new PilotfishError(
    'option-invalid',
    `--lookup is "${text}", not two numbers from 0 to 1.`,
    {
      remedy: 'Give --lookup as HITS,SHARE: how often a draft is found, and holds, as in 0.1,0.6.',
      fields: { option: '--lookup', value: text },
    },
  );
}

function jsonLine(
  options: AdviseOptions,
  inputs: AdviceInputs,
  places: readonly PlacedAdvice[],
): string {
  const { models, statistics, profile } = inputs;
  return JSON.stringify({
    type: 'advice',
    models: { small: models.small.name, large: models.large.name },
    profile: profile.name,
    promptTokenCount: options.promptTokens,
    answerTokenCount: options.answerTokens,
    billing: options.billing,
    lookup: lookupOf(options, inputs),
    statistics,
    places: places.map(({ largeProfile, ...place }) => ({
      ...place,
      largeProfile: largeProfile.name,
      kind: largeProfile.kind,
    })),
  });
}
