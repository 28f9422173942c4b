/** `pilotfish advise`: whether and where each strategy pays, before anything is built on it. */
import type { Command } from 'commander';
import type { AdviceReport } from '../../app/advice/advice-report.ts';
import {
  ANSWER_TOKEN_COUNT_DEFAULT,
  PROMPT_TOKEN_COUNT_DEFAULT,
} from '../../app/advice/advice-report.ts';
import type { LookupStatistics } from '../../app/advice/measure-acceptance.ts';
import type { AdviseOptions } from '../../app/advise.ts';
import { PilotfishError } from '../../core/errors.ts';
import { BILLINGS } from '../../machines/advise.ts';
import { KNOWN_MACHINES } from '../../machines/known-machines.ts';
import type { CliDependencies } from '../cli-dependencies.ts';
import { type CliIo, withoutColor } from '../io.ts';
import {
  addFlags,
  choice,
  count,
  type FlagTable,
  number,
  readFlags,
  text,
} from '../options/flags.ts';
import { PAIR_FLAGS, PRICE_FLAGS, type Prices, pricesOf } from '../options/pair-flags.ts';
import { ROUND_TRIP_MS, UNIT_INTERVAL } from '../options/parse-number.ts';
import { SERVER_FLAGS, serverOptions } from '../options/server-flags.ts';
import { progressBar } from '../rendering/progress-bar.ts';
import { renderAdvice } from '../rendering/render-advice.ts';

interface OutputFlags {
  readonly json?: boolean;
  readonly color: boolean;
}

const TOKENS_MAX = 32_768;

const DESCRIPTION =
  'Says for every strategy whether it costs less than the large model alone: in time, weight ' +
  'traffic, FLOPs and, with prices, money; and from where on it does. It says nothing about how ' +
  'good the answers are. A large model on a server (--large vllm:http://HOST:PORT/MODEL, or a name ' +
  'of models.yaml) is measured there, by calls that take up to a minute. Without --share and ' +
  '--acceptance the strategies are tried out on a few built-in prompts. These machines are built in ' +
  'from their data sheets: ' +
  `${KNOWN_MACHINES.map(({ name }) => name).join(', ')}.`;

const EXAMPLES = `Examples:
  pilotfish advise
  pilotfish advise --share 0.2 --acceptance 0.7
  pilotfish advise --profile rtx-4090 --share 0.2 --acceptance 0.7
  pilotfish advise --share 0.2 --acceptance 0.7 --lookup 0.1,0.6
  pilotfish advise --large vllm:http://gpu:8000/MODEL
  pilotfish advise --round-trip 40 --remote-profile h100-sxm
  pilotfish advise --round-trip 40 --price-large 0.5,1.5 --billing per-call`;

type Given = Omit<
  AdviseOptions,
  | 'prices'
  | 'server'
  | 'template'
  | 'home'
  | 'env'
  | 'isBusy'
  | 'signal'
  | 'onProgress'
  | 'onNotice'
>;

const { onLargeFailure: _, ...ADVISED_SERVER_FLAGS } = SERVER_FLAGS;

const FLAGS: FlagTable<Given & Prices> = {
  pair: PAIR_FLAGS.pair,
  small: PAIR_FLAGS.small,
  large: PAIR_FLAGS.large,
  profile: text('--profile <NAME>', 'the machine: a stored or built-in profile, or a .json file'),
  roundTripMs: number(
    '--round-trip <MS>',
    'also advise on a large model behind a network of this round trip',
    ROUND_TRIP_MS,
  ),
  remoteProfile: text(
    '--remote-profile <NAME>',
    'the machine of that model (default: the same one)',
  ),
  share: number(
    '--share <SHARE>',
    'share of the tokens that the large model writes, for routing',
    UNIT_INTERVAL,
  ),
  acceptance: number(
    '--acceptance <SHARE>',
    'share of the drafts of the small model that hold, for speculation',
    UNIT_INTERVAL,
  ),
  lookup: {
    usage: '--lookup <HITS,SHARE>',
    description:
      'prompt lookup: share of the tokens where it finds a draft, and of those drafts that hold',
    parse: parseLookup,
  },
  promptTokenCount: count(
    '--prompt-tokens <N>',
    'length of a prompt in tokens',
    TOKENS_MAX,
    PROMPT_TOKEN_COUNT_DEFAULT,
  ),
  answerTokenCount: count(
    '--answer-tokens <N>',
    'length of an answer in tokens',
    TOKENS_MAX,
    ANSWER_TOKEN_COUNT_DEFAULT,
  ),
  ...PRICE_FLAGS,
  billing: choice(
    '--billing <HOW>',
    'how the large model is billed: every row once, by a server that keeps the sequence, or ' +
      'the whole text at each call, by an API that keeps nothing',
    BILLINGS,
    BILLINGS[0],
  ),
  threadCount: PAIR_FLAGS.threadCount,
  offline: PAIR_FLAGS.offline,
};

export function registerAdvise(program: Command, io: CliIo, dependencies: CliDependencies): void {
  const command = program
    .command('advise')
    .summary('whether and where each strategy pays')
    .description(DESCRIPTION);
  addFlags(command, { ...FLAGS, ...ADVISED_SERVER_FLAGS })
    .option('--json', 'print the advice as one JSON object')
    .option('--no-color', 'no colours')
    .addHelpText('after', `\n${EXAMPLES}`)
    .action(async (parsed: OutputFlags) => {
      const { priceSmall, priceLarge, ...given } = readFlags(FLAGS, parsed);
      const prices = pricesOf({ priceSmall, priceLarge });
      const options = { ...given, ...serverOptions(parsed), prices };
      await run(options, parsed, parsed.color ? io : withoutColor(io), dependencies);
    });
}

async function run(
  options: AdviseOptions,
  { json }: OutputFlags,
  io: CliIo,
  { advise }: CliDependencies,
): Promise<void> {
  const bar = progressBar(io);
  try {
    const { onProgress, onNotice } = bar;
    const report = await advise({ ...options, signal: io.signal, onProgress, onNotice });
    bar.stop();
    if (json === true) io.out(`${jsonLine(report)}\n`);
    else io.out(renderAdvice(report, io.columns, io.color));
  } finally {
    bar.stop();
  }
}

function parseLookup(given: string): LookupStatistics {
  const [hitRate, acceptance, ...more] = given
    .split(',')
    .map((part) => Number(part.trim() || 'none'));
  const isShare = (value: number | undefined): value is number =>
    value !== undefined && value >= 0 && value <= 1;
  if (isShare(hitRate) && isShare(acceptance) && more.length === 0) return { hitRate, acceptance };
  throw new PilotfishError(
    'option-invalid',
    `--lookup is "${given}", not two numbers from 0 to 1.`,
    {
      remedy: 'Give --lookup as HITS,SHARE: how often a draft is found, and holds, as in 0.1,0.6.',
      fields: { option: '--lookup', value: given },
    },
  );
}

function jsonLine(report: AdviceReport): string {
  const { models, profile, promptTokenCount, answerTokenCount, billing } = report;
  const { lookup, statistics, places, server, unavailable } = report;
  return JSON.stringify({
    type: 'advice',
    models: { small: models.small.name, large: models.large.name },
    profile: profile.name,
    ...{ promptTokenCount, answerTokenCount, billing, lookup, statistics, server, unavailable },
    places: places.map(({ largeProfile, ...place }) => ({
      ...place,
      largeProfile: largeProfile.name,
      kind: largeProfile.kind,
    })),
  });
}
