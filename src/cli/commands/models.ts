/** `pilotfish models`: the known models, where they are, and whether their bytes are right. */
import type { Command } from 'commander';
import { inspectServer, isServer } from '../../app/inspect-server.ts';
import { inspectModel, pullModels, type VerifiedModel, verifyModels } from '../../app/models.ts';
import type { EnsureModelOptions } from '../../catalog/ensure-model.ts';
import type { LocalModel } from '../../catalog/find-model.ts';
import type { CliIo } from '../io.ts';
import { addFlags } from '../options/flags.ts';
import { SERVER_ADDRESS_FLAGS, serverOptions } from '../options/server-flags.ts';
import { printableText } from '../rendering/printable-text.ts';
import { progressBar } from '../rendering/progress-bar.ts';
import { showInspected } from './models/inspect.ts';
import { showInspectedServer } from './models/inspect-server.ts';
import { listModelsCommand } from './models/list.ts';

/** A function that tests replace: reading a model file takes the native library. */
export interface ModelsDependencies {
  readonly inspectModel: typeof inspectModel;
}

interface JsonOption {
  readonly json?: boolean;
}

const NAMES = `A model is a known name, the path of a .gguf file, or hub:OWNER/REPO/FILE.gguf.`;

const EXAMPLES = `Examples:
  pilotfish models list
  pilotfish models pull
  pilotfish models pull smollm2-135m-instruct
  pilotfish models pull hub:OWNER/REPO/FILE.gguf
  pilotfish models inspect ./model.gguf
  pilotfish models inspect vllm:http://127.0.0.1:8000
  pilotfish models verify

Environment:
  PILOTFISH_HOME          where pulled models are kept
  HF_ENDPOINT, HF_TOKEN   which hub to pull from, and as whom
  HF_HUB_OFFLINE=1        use only what is on this machine
  HF_HOME, HF_HUB_CACHE, LLAMA_CACHE
                          caches of other programs; their files are used in place
  HTTPS_PROXY, NO_PROXY   how to reach the hub; pip has its own configuration`;

export function registerModels(
  program: Command,
  io: CliIo,
  dependencies: ModelsDependencies = { inspectModel },
): void {
  const models = program
    .command('models')
    .summary('list, pull, inspect and verify models')
    .description(`Lists, pulls, inspects and verifies models.\n\n${NAMES}`)
    .addHelpText('after', `\n${EXAMPLES}`);
  models
    .command('list')
    .summary('known models and all that were pulled')
    .description('Lists the known models and everything else that was pulled.')
    .option('--json', 'one JSON object a line')
    .action((options: JsonOption) => listModelsCommand(io, options.json === true));
  models
    .command('pull')
    .summary('fetch models, or go on with a pull that was cut')
    .description(
      `Fetches models that are not here yet, or goes on with a pull that was cut.\n\n${NAMES}`,
    )
    .argument('[name...]', 'models; none: the default pair')
    .option('--pair <NAME>', 'both models of a pair')
    .option('--json', 'one JSON object a line')
    .action((models: string[], { json, pair }: JsonOption & { pair?: string }) =>
      withProgress(io, (catalog) =>
        pullModels({ ...catalog, models, pair, onModel: (model) => showPulled(io, model, json) }),
      ),
    );
  const inspect = models
    .command('inspect')
    .summary('show the facts in a model file, or what a server can do')
    .description(
      `Shows what a model file says about itself, or what a server of another engine can do.\n\n${NAMES}\n` +
        'A server is an address such as vllm:http://HOST:PORT/MODEL (docs/SERVERS.md).',
    )
    .argument('<name>', 'a model on this machine, or the address of a server')
    .option('--json', 'one JSON object');
  addFlags(inspect, SERVER_ADDRESS_FLAGS).action((name: string, parsed: JsonOption) =>
    withProgress(io, async (catalog) => {
      const isJson = parsed.json === true;
      if (await isServer(name, catalog.env)) {
        const { server } = serverOptions({ ...parsed, large: name });
        showInspectedServer(io, await inspectServer(name, { ...catalog, server }), isJson);
      } else showInspected(io, await dependencies.inspectModel(name, catalog), isJson);
    }),
  );
  models
    .command('verify')
    .summary('hash models again')
    .description('Hashes models again, whether or not they seem unchanged.')
    .argument('[name...]', 'models; none: all that are here')
    .option('--json', 'one JSON object a line')
    .action((models: string[], { json }: JsonOption) =>
      withProgress(io, (catalog) =>
        verifyModels({ ...catalog, models, onModel: (model) => showVerified(io, model, json) }),
      ),
    );
}

function showPulled(io: CliIo, model: LocalModel, json = false): void {
  if (json) io.out(`${JSON.stringify({ type: 'model', ...model })}\n`);
  else io.out(`${printableText(model.name)}  ${printableText(model.path)}\n`);
}

function showVerified(io: CliIo, model: VerifiedModel, json = false): void {
  if (json) {
    io.out(`${JSON.stringify({ type: 'verified', ...model })}\n`);
    return;
  }
  const word = model.isRight ? io.color.green('right') : io.color.red('WRONG');
  io.out(`${word}  ${printableText(model.name)}  ${model.sha256}\n`);
}

async function withProgress(
  io: CliIo,
  run: (catalog: EnsureModelOptions) => Promise<unknown>,
): Promise<void> {
  const { onProgress, onNotice, stop } = progressBar(io);
  try {
    await run({ env: io.env, signal: io.signal, onProgress, onNotice });
  } finally {
    stop();
  }
}
