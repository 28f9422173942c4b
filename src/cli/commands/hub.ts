/** `pilotfish hub`: the large model of devices, over a network. */
import type { Command } from 'commander';
import type { RunHubOptions } from '../../app/run-hub.ts';
import { DEVICE_COUNT_LIMIT } from '../../hub/hub-limits.ts';
import type { CliDependencies } from '../cli-dependencies.ts';
import { EXIT } from '../exit-code.ts';
import { type CliIo, withoutColor } from '../io.ts';
import { addFlags, count, type FlagTable, number, readFlags, text } from '../options/flags.ts';
import { PAIR_FLAGS } from '../options/pair-flags.ts';
import { integerFrom, parseNumber } from '../options/parse-number.ts';
import { progressBar } from '../rendering/progress-bar.ts';
import { printError } from '../report-error.ts';
import { untilAsked } from '../until-asked.ts';

interface HubCommandOptions {
  readonly large: string;
  readonly json?: boolean;
  readonly color: boolean;
}

const NOTES = `Devices connect with \`pilotfish ask|chat|eval --hub ws://HOST:PORT\`. By default only this
machine can connect. For others give --host and a key, and TLS unless the network is trusted. The
operator of a hub can read the texts of its devices: docs/HUB.md says what leaves them. The first
SIGTERM or Ctrl-C lets open requests end, and then the hub, with exit code 0; the second ends it at
once. GET /health and /metrics tell how it is.

Examples:
  pilotfish hub --large qwen2.5-coder-1.5b-instruct
  openssl rand -hex 32 > key
  pilotfish hub --large big.gguf --host 0.0.0.0 --key-file key --tls-cert cert.pem --tls-key key.pem
  curl http://127.0.0.1:7433/health`;

const PORT_MAX = 65_535;
const COUNT_MAX = 2 ** 24;
const SECONDS = integerFrom(0, 86_400);

const MODEL_FLAGS = {
  offline: PAIR_FLAGS.offline,
  contextLength: PAIR_FLAGS.contextLength,
  threadCount: PAIR_FLAGS.threadCount,
};

const HUB_COMMAND_FLAGS: FlagTable<
  Pick<
    RunHubOptions,
    | 'host'
    | 'port'
    | 'keyFile'
    | 'tlsCert'
    | 'tlsKey'
    | 'deviceCountMax'
    | 'requestsPerKeyMax'
    | 'cellCount'
    | 'drainMs'
  >
> = {
  host: text('--host <HOST>', 'where to listen (default: 127.0.0.1, this machine alone)'),
  port: number('--port <N>', 'the port (default: 7433); 0: any', integerFrom(0, PORT_MAX)),
  keyFile: text(
    '--key-file <FILE>',
    'admit devices with one of its keys, one a line (default: the variable PILOTFISH_HUB_KEY)',
  ),
  tlsCert: text('--tls-cert <FILE>', 'the certificate, in PEM: devices then use wss://'),
  tlsKey: text('--tls-key <FILE>', 'its private key, in PEM'),
  deviceCountMax: count('--max-devices <N>', 'devices at once (default: 32)', DEVICE_COUNT_LIMIT),
  requestsPerKeyMax: count('--max-requests <N>', 'requests of the devices of one key', COUNT_MAX),
  cellCount: count(
    '--cells <N>',
    'tokens of all devices that the model keeps at once (default: four contexts)',
    COUNT_MAX,
  ),
  drainMs: {
    usage: '--drain <SECONDS>',
    description: 'how long requests may go on after SIGTERM (default: 30)',
    parse: (given) => 1000 * parseNumber('--drain', SECONDS, given),
  },
};

export function registerHub(program: Command, io: CliIo, dependencies: CliDependencies): void {
  const command = program
    .command('hub')
    .summary('serve a large model to devices')
    .description('Serves a large model to devices that have the small one.')
    .requiredOption('--large <MODEL>', 'the model: a name, a .gguf file, hub:owner/repo/file');
  addFlags(command, { ...MODEL_FLAGS, ...HUB_COMMAND_FLAGS })
    .option('--json', 'print one JSON object when the hub is ready')
    .option('--no-color', 'no colours')
    .addHelpText('after', `\n${NOTES}`)
    .action(async (parsed: HubCommandOptions) => {
      const { large } = parsed;
      const options = { ...readFlags({ ...MODEL_FLAGS, ...HUB_COMMAND_FLAGS }, parsed), large };
      await serve(options, parsed, parsed.color ? io : withoutColor(io), dependencies);
    });
}

async function serve(
  options: RunHubOptions,
  { json }: HubCommandOptions,
  io: CliIo,
  { runHub }: CliDependencies,
): Promise<void> {
  const bar = progressBar(io);
  const { onProgress, onNotice } = bar;
  const onFailure = (error: unknown): void => printError(error, io, false);
  try {
    await using hub = await runHub({
      ...{ ...options, env: io.env, signal: io.signal, onProgress, onNotice, onFailure },
    });
    bar.stop();
    const { url, model, isSecret } = hub;
    if (json === true) io.out(`${JSON.stringify({ type: 'hub', url, model, isSecret })}\n`);
    else io.out(`${model} at ${url}${isSecret ? '' : ', for this machine, without a key'}\n`);
    await untilAsked(io.signal);
    io.err('Draining: open requests may end. A second signal ends the hub at once.\n');
  } finally {
    bar.stop();
  }
  io.err('The hub has ended.\n');
  // It was asked to end, and did so in order.
  io.setExitCode(EXIT.ok);
}
