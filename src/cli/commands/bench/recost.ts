/** `pilotfish bench recost`: the time that a recorded run would take on another machine. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Recosted } from '../../../app/recost.ts';
import { PilotfishError } from '../../../core/errors.ts';
import { KNOWN_MACHINES } from '../../../machines/known-machines.ts';
import { fileError } from '../../../storage/file-error.ts';
import type { CliDependencies } from '../../cli-dependencies.ts';
import { type CliIo, withoutColor } from '../../io.ts';
import { numberParser, ROUND_TRIP_MS } from '../../options/parse-number.ts';
import { readBytes } from '../../options/read-prompt.ts';
import { renderRecosted } from '../../rendering/render-recosted.ts';

/** Far more than the log of any context window's answer. */
const LOG_BYTES_MAX = 256 * 1024 * 1024;
const STANDARD_INPUT = '-';

interface RecostOptions {
  readonly profile: string;
  readonly roundTrip?: number;
  readonly json?: boolean;
  readonly color: boolean;
}

const EXAMPLES = `Examples:
  pilotfish ask --strategy entropy --json "What is 17 times 23?" > run.jsonl
  pilotfish bench recost run.jsonl --profile rtx-4090
  pilotfish bench recost run.jsonl --profile one-thread --round-trip 20
  pilotfish compare --json "Hi" | pilotfish bench recost - --profile h100-sxm --json`;

export function registerRecost(bench: Command, io: CliIo, dependencies: CliDependencies): void {
  bench
    .command('recost')
    .summary('predict the time of a recorded run on another machine')
    .description(
      'Says what a run, as `ask --json` or `compare --json` recorded it, would take on the machine ' +
        'of a profile: stored by `bench steps`, a .json file, or built in by its data sheet ' +
        `(${KNOWN_MACHINES.map(({ name }) => name).join(', ')}).`,
    )
    .argument('[log]', 'the recorded lines; absent or -: standard input')
    .requiredOption(
      '--profile <NAME>',
      'the machine: a stored or built-in profile, or a .json file',
    )
    .option(
      '--round-trip <MS>',
      'the large model is behind a network: milliseconds of a round trip',
      numberParser('--round-trip', ROUND_TRIP_MS),
    )
    .option('--json', 'print one JSON object per run')
    .option('--no-color', 'no colours')
    .addHelpText('after', `\n${EXAMPLES}`)
    .action(async (log: string | undefined, options: RecostOptions) => {
      await recost(log, options, options.color ? io : withoutColor(io), dependencies);
    });
}

async function recost(
  path: string | undefined,
  { profile, roundTrip, json }: RecostOptions,
  io: CliIo,
  dependencies: CliDependencies,
): Promise<void> {
  const recosted = await dependencies.recost({
    log: await readLog(path, io),
    profile,
    env: io.env,
    roundTripMs: roundTrip,
  });
  for (const notice of notices(recosted)) io.err(`${notice}\n`);
  if (json === true) {
    io.out(jsonLines(recosted));
    return;
  }
  io.out(renderRecosted(recosted, io.color));
}

async function readLog(path: string | undefined, io: CliIo): Promise<string> {
  if (path === undefined || path === STANDARD_INPUT) {
    if (path === undefined && io.inputIsTerminal) throw noLog();
    return (await readBytes(io, LOG_BYTES_MAX, longLog)).toString('utf8');
  }
  try {
    if ((await stat(path)).size > LOG_BYTES_MAX) throw longLog();
    // A pipe has a path, too, but no size.
    const input = createReadStream(path);
    const bytes = await readBytes({ input, signal: io.signal }, LOG_BYTES_MAX, longLog);
    return bytes.toString('utf8');
  } catch (cause) {
    throw fileError(cause, { action: 'read the log', path });
  }
}

function notices({ runs, isCut, isWithoutCache }: Recosted): string[] {
  const isOpen = runs.some((run) => run.recordedMs === null);
  return [
    ...(isCut
      ? ['The log ends within a line: the run is re-costed as far as it goes.']
      : isOpen
        ? ['The log ends before the run did: it is re-costed as far as it goes.']
        : []),
    ...(isWithoutCache
      ? ['The log is of an older version: the time of reading the cache is left out.']
      : []),
  ];
}

function jsonLines({ runs, profile, roundTripMs }: Recosted): string {
  return runs
    .map((run) => {
      const isComplete = run.recordedMs !== null;
      const { name, kind } = profile;
      const line = { type: 'recosted', profile: name, kind, roundTripMs, isComplete, ...run };
      return `${JSON.stringify(line)}\n`;
    })
    .join('');
}

function noLog(): PilotfishError {
  return new PilotfishError('option-invalid', 'No log was given.', {
    remedy: 'Give the file of a log, or pipe one in.',
    fields: { option: 'log' },
  });
}

function longLog(): PilotfishError {
  return new PilotfishError('log-invalid', `The log exceeds ${LOG_BYTES_MAX / 2 ** 20} MiB.`, {
    remedy: 'Give the log of one run at a time.',
    fields: { byteCountMax: LOG_BYTES_MAX },
  });
}
