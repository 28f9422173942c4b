/** `pilotfish serve`: the OpenAI API, whose models are strategies. */
import type { Command } from 'commander';
import type { RunServerOptions } from '../../app/run-server.ts';
import type { CliDependencies } from '../cli-dependencies.ts';
import { EXIT } from '../exit-code.ts';
import { type CliIo, withoutColor } from '../io.ts';
import { addFlags, type FlagTable, number, readFlags, text, texts } from '../options/flags.ts';
import { addEngineFlags, engineOptions } from '../options/generation-flags.ts';
import { integerFrom, parseNumber } from '../options/parse-number.ts';
import { progressBar } from '../rendering/progress-bar.ts';
import { printError } from '../report-error.ts';
import { untilAsked } from '../until-asked.ts';

interface ServeOptions {
  readonly strategies?: string;
  readonly json?: boolean;
  readonly color: boolean;
}

const NOTES = `Each strategy is a model: \`citer@20%\`, \`rsd-likelihood@0.9\`, \`speculative\`, \`small\`,
\`large\`. By default only this machine can connect, without a key. For others give --host and a key. The
first SIGTERM or Ctrl-C lets open requests end, and then the server, with exit code 0; the second ends it
at once. docs/SERVE.md says what the API has.

Examples:
  pilotfish serve
  pilotfish serve --pair pocket --port 8080
  pilotfish serve --large vllm:http://127.0.0.1:8000 --strategies large,margin,speculative
  openssl rand -hex 32 > key
  pilotfish serve --host 0.0.0.0 --key-file key
  curl http://127.0.0.1:7430/v1/chat/completions -H 'content-type: application/json' \\
    -d '{"model": "margin", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}'`;

const PORT_MAX = 65_535;
const SECONDS = integerFrom(0, 86_400);

type ServeFlags = Pick<RunServerOptions, 'host' | 'port' | 'keyFile' | 'allowedHosts' | 'drainMs'>;

const SERVE_FLAGS: FlagTable<ServeFlags> = {
  host: text('--host <HOST>', 'where to listen (default: 127.0.0.1, this machine alone)'),
  port: number('--port <N>', 'the port (default: 7430); 0: any', integerFrom(0, PORT_MAX)),
  keyFile: text(
    '--key-file <FILE>',
    'admit clients with one of its keys, one a line (default: the variable PILOTFISH_API_KEY)',
  ),
  allowedHosts: texts(
    '--allowed-host <NAME>',
    'another name of this server, for clients without a key; repeatable',
  ),
  drainMs: {
    usage: '--drain <SECONDS>',
    description: 'how long requests may go on after SIGTERM (default: 30)',
    parse: (given) => 1000 * parseNumber('--drain', SECONDS, given),
  },
};

export function registerServe(program: Command, io: CliIo, dependencies: CliDependencies): void {
  const command = program
    .command('serve')
    .summary('serve strategies over the OpenAI API')
    .description('Serves strategies over the OpenAI API, so that its clients can use them.')
    .option('--strategies <LIST>', 'the strategies to serve (default: all that work)');
  addFlags(addEngineFlags(command), SERVE_FLAGS)
    .option('--json', 'print one JSON object when the server is ready')
    .option('--no-color', 'no colours')
    .addHelpText('after', `\n${NOTES}`)
    .action(async (parsed: ServeOptions) => {
      const { strategies } = parsed;
      const names = strategies?.split(',').map((name) => dependencies.parseStrategy(name));
      const options = { ...engineOptions(parsed), ...readFlags(SERVE_FLAGS, parsed) };
      const own = parsed.color ? io : withoutColor(io);
      await serve({ ...options, strategies: names }, parsed, own, dependencies);
    });
}

async function serve(
  options: RunServerOptions,
  { json }: ServeOptions,
  io: CliIo,
  { runServer }: CliDependencies,
): Promise<void> {
  const bar = progressBar(io);
  const { onProgress, onNotice } = bar;
  const onFailure = (error: unknown): void => printError(error, io, false);
  try {
    await using server = await runServer({
      ...{ ...options, env: io.env, signal: io.signal, onProgress, onNotice, onFailure },
    });
    bar.stop();
    const { url, strategies, strategyDefault, hasKeys } = server;
    if (json === true) {
      io.out(`${JSON.stringify({ type: 'server', url, strategies, hasKeys })}\n`);
    } else io.out(ready(url, { strategies, strategyDefault, hasKeys }));
    await untilAsked(io.signal);
    io.err('Draining: open requests may end. A second signal ends the server at once.\n');
  } finally {
    bar.stop();
  }
  io.err('The server has ended.\n');
  // It was asked to end, and did so in order.
  io.setExitCode(EXIT.ok);
}

interface Ready {
  readonly strategies: readonly string[];
  readonly strategyDefault: string;
  readonly hasKeys: boolean;
}

function ready(url: string, { strategies, strategyDefault, hasKeys }: Ready): string {
  const key = hasKeys ? ` -H 'authorization: Bearer KEY'` : '';
  const body = { model: strategyDefault, messages: [{ role: 'user', content: 'Hello!' }] };
  return (
    `Serving at ${url}/v1${hasKeys ? '' : ', for this machine, without a key'}. Its models are ` +
    `strategies: ${strategies.join(', ')}.\n\n` +
    `  curl ${url}/v1/chat/completions${key} -H 'content-type: application/json' \\\n` +
    `    -d '${JSON.stringify(body)}'\n`
  );
}
