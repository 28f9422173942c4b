/** `pilotfish bench link`: how fast a device and a hub write over a link, by scheme. */
import type { Command } from 'commander';
import type { MeasuredLink, MeasureLinkOptions } from '../../../app/measure-link.ts';
import type { RadioChannel } from '../../../channel/radio.ts';
import { PilotfishError } from '../../../core/errors.ts';
import type { CliDependencies } from '../../cli-dependencies.ts';
import { type CliIo, withoutColor } from '../../io.ts';
import {
  addFlags,
  choice,
  count,
  type FlagTable,
  number,
  readFlags,
  text,
  texts,
} from '../../options/flags.ts';
import { parseRate, parseRoundTrip } from '../../options/link-flags.ts';
import { PAIR_FLAGS } from '../../options/pair-flags.ts';
import { integerFrom, type NumberRange, UNIT_INTERVAL } from '../../options/parse-number.ts';
import { addUplinkFlags, readUplink } from '../../options/step-flags.ts';
import { printableText } from '../../rendering/printable-text.ts';
import { progressBar } from '../../rendering/progress-bar.ts';
import { renderLink } from '../../rendering/render-link.ts';

/** The options that no table reads. */
interface OtherOptions {
  readonly json?: boolean;
  readonly color: boolean;
}

const EXAMPLES = `Examples:
  pilotfish bench link --round-trip 20ms --rate 1mbit
  pilotfish bench link --pair pocket --schemes small,large,hlm:ids,uhlm-pd@0.1:ids
  pilotfish bench link --pair pocket --map links.svg --result evaluations/pocket/result.json
  pilotfish bench link --snr 10 --bandwidth 1000000 --coherence 10 --json`;

const DESCRIPTION =
  'Runs schemes of hybrid inference on a pair, both models on this machine, and computes how fast a ' +
  'device with the small model and a hub with the large one would write over a link. A scheme is a ' +
  'strategy; ":ids", ":top" or ":distribution" behind it says what the device sends with a draft, ' +
  'and ":ahead" that it drafts on meanwhile.';

const SCHEMES =
  'small,large,hlm:distribution,hlm:top,hlm:ids,uhlm,uhlm:ids,cu-hlm,cu-hlm:ahead,random-uhlm';
const TOKEN_COUNT_MAX = 1_000_000;
const RATE = '1mbit';
const ROUND_TRIP = '20ms';

const TEMPERATURE: NumberRange = {
  holds: (value) => value >= 0 && value <= 100,
  says: 'a number from 0 to 100',
};
const DECIBELS: NumberRange = {
  holds: (value) => value >= -20 && value <= 60,
  says: 'a number of decibels from -20 to 60',
};
const BANDWIDTH: NumberRange = {
  holds: (value) => value >= 1000 && value <= 1e10,
  says: 'a number of hertz from 1000 to 10000000000',
};
const COHERENCE: NumberRange = {
  holds: (value) => value >= 0.1 && value <= 1e6,
  says: 'a number of milliseconds from 0.1 to 1000000',
};

interface LinkFields
  extends Pick<
    MeasureLinkOptions,
    'pair' | 'small' | 'large' | 'template' | 'offline' | 'contextLength' | 'threadCount'
  > {
  readonly schemes?: string | undefined;
  readonly roundTripMs?: number | undefined;
  readonly upRate?: number | undefined;
  readonly downRate?: number | undefined;
  readonly tokenCount?: number | undefined;
  readonly temperature?: number | undefined;
  readonly seed?: number | undefined;
  readonly prompts?: readonly string[] | undefined;
  readonly accuracies?: string | undefined;
  readonly deviceProfile?: string | undefined;
  readonly hubProfile?: string | undefined;
  readonly keep?: number | undefined;
  readonly over?: MeasureLinkOptions['over'] | undefined;
  readonly fullTokenCount?: number | undefined;
  readonly map?: string | undefined;
  readonly snrDb?: number | undefined;
  readonly bandwidthHz?: number | undefined;
  readonly coherenceMs?: number | undefined;
}

const FLAGS: FlagTable<LinkFields> = {
  ...PAIR_FLAGS,
  schemes: text('--schemes <LIST>', `strategies, separated by commas (default: ${SCHEMES})`),
  roundTripMs: {
    usage: '--round-trip <MS>',
    description: `the round trip (default: ${ROUND_TRIP})`,
    parse: parseRoundTrip,
  },
  upRate: {
    usage: '--rate <RATE>',
    description: `the rate, as in 500kbit (default: ${RATE})`,
    parse: (given) => parseRate('--rate', given),
  },
  downRate: {
    usage: '--down-rate <RATE>',
    description: 'another rate from the hub to the device',
    parse: (given) => parseRate('--down-rate', given),
  },
  tokenCount: count('--tokens <N>', 'tokens of each scheme (default: 200)', TOKEN_COUNT_MAX),
  temperature: number(
    '--temperature <T>',
    '0: greedy, and no distribution is sent (default: 1)',
    TEMPERATURE,
  ),
  over: choice(
    '--over <WAY>',
    'an emulated link that schemes also run over: a network namespace, a relay, or none; auto: a ' +
      'namespace where this machine allows one, otherwise the relay (default: auto)',
    ['auto', 'namespace', 'relay', 'none'],
  ),
  fullTokenCount: count(
    '--full-tokens <N>',
    'tokens over the emulated link where whole distributions are sent (default: 100)',
    TOKEN_COUNT_MAX,
  ),
  seed: number('--seed <N>', 'the seed of answers and fades (default: 0)', integerFrom(0)),
  prompts: texts('--prompt <TEXT>', 'a question (default: word problems); repeatable'),
  snrDb: number(
    '--snr <DB>',
    'a radio channel in place of the rate: its signal-to-noise ratio',
    DECIBELS,
  ),
  bandwidthHz: number('--bandwidth <HZ>', 'its bandwidth (default: 1000000)', BANDWIDTH),
  coherenceMs: number(
    '--coherence <MS>',
    'Rayleigh fading in blocks of this time (default: no fading)',
    COHERENCE,
  ),
  deviceProfile: text(
    '--device-profile <NAME>',
    'compute as if the device were the machine of a profile',
  ),
  hubProfile: text('--hub-profile <NAME>', 'the same for the hub'),
  map: text('--map <FILE>', 'draw the fastest scheme by round trip and rate, as .svg or .png'),
  accuracies: text(
    '--result <FILE>',
    'a result of `eval --json`: the map leaves out schemes that lose accuracy',
  ),
  keep: number(
    '--keep <SHARE>',
    "the share of the large model's accuracy that counts as kept (default: 0.975)",
    UNIT_INTERVAL,
  ),
};

export function registerLink(bench: Command, io: CliIo, dependencies: CliDependencies): void {
  const command = bench
    .command('link')
    .summary('compare schemes of hybrid inference over a link')
    .description(DESCRIPTION);
  addUplinkFlags(addFlags(command, FLAGS))
    .option('--json', 'print the measurement as one JSON object')
    .option('--no-color', 'no colours')
    .addHelpText('after', `\n${EXAMPLES}`)
    .action(async (parsed: OtherOptions) => {
      await run(parsed, parsed.color ? io : withoutColor(io), dependencies);
    });
}

async function run(
  parsed: OtherOptions,
  io: CliIo,
  { measureLink, drawLinkMap }: CliDependencies,
): Promise<void> {
  const { map, ...fields } = readFlags(FLAGS, parsed);
  const { onProgress, onNotice, stop } = progressBar(io);
  try {
    const { env, signal } = io;
    const options = measuring(fields, parsed);
    const measured = await measureLink({ ...options, env, signal, onProgress, onNotice });
    stop();
    const isJson = parsed.json === true;
    show(measured, io, isJson);
    if (map === undefined) return;
    // Last: a file that cannot be written costs no measurement.
    await drawLinkMap(measured, map);
    if (!isJson) io.out(`\n${mapText(measured, map)}\n`);
  } finally {
    stop();
  }
}

function measuring(fields: Omit<LinkFields, 'map'>, parsed: OtherOptions): MeasureLinkOptions {
  const { snrDb, bandwidthHz, coherenceMs, seed = 0, over = 'auto', ...rest } = fields;
  const { upRate = parseRate('--rate', RATE) } = rest;
  if (snrDb === undefined) {
    refuseWithoutSnr('--bandwidth', bandwidthHz);
    refuseWithoutSnr('--coherence', coherenceMs);
  }
  const radio: RadioChannel | undefined =
    snrDb === undefined
      ? undefined
      : { snrDb, bandwidthHz: bandwidthHz ?? 1e6, coherenceMs: coherenceMs ?? null, seed };
  return {
    ...rest,
    ...{ schemes: rest.schemes ?? SCHEMES, tokenCount: rest.tokenCount ?? 200, seed, radio },
    ...{ temperature: rest.temperature ?? 1, keep: rest.keep ?? 0.975 },
    ...{ upRate, downRate: rest.downRate ?? upRate },
    ...{ over, fullTokenCount: rest.fullTokenCount ?? 100, program: ownCommand() },
    roundTripMs: rest.roundTripMs ?? parseRoundTrip(ROUND_TRIP),
    uplink: readUplink(parsed),
  };
}

/** @throws PilotfishError `option-invalid` */
function refuseWithoutSnr(option: string, value: number | undefined): void {
  if (value === undefined) return;
  throw new PilotfishError('option-invalid', `${option} is of a radio channel, without --snr.`, {
    remedy: 'Give --snr, too.',
    fields: { option, value },
  });
}

/** As this process was started. */
function ownCommand(): readonly string[] {
  return [process.execPath, ...process.execArgv, ...process.argv.slice(1, 2)];
}

function show(measured: MeasuredLink, io: CliIo, isJson: boolean): void {
  if (isJson) {
    io.out(`${JSON.stringify({ type: 'link', ...measured })}\n`);
    return;
  }
  io.out(renderLink(measured, io.color));
  if (!measured.isQuiet) {
    io.err('Other programs occupied the processors: computing takes longer then.\n');
  }
}

function mapText(measured: MeasuredLink, path: string): string {
  if (measured.map === null) return 'No scheme keeps the accuracy: there is no map.';
  return `The map: ${printableText(path)}`;
}
