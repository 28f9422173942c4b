/** `pilotfish doctor`: tells whether this machine can run Pilotfish, and if not, why. */
import type { Command } from 'commander';
import type { MachineFacts } from '../../app/inspect-machine.ts';
import type { CliDependencies } from '../cli-dependencies.ts';
import { healthChecks, worstStatus } from '../doctor/health-checks.ts';
import { EXIT } from '../exit-code.ts';
import { type CliIo, withoutColor } from '../io.ts';
import { progressBar } from '../rendering/progress-bar.ts';
import { renderChecks } from '../rendering/render-checks.ts';

interface DoctorOptions {
  readonly json?: boolean;
  readonly color: boolean;
}

const NOTES = `Exits with 1 if a check fails; a warning is no failure.

Examples:
  pilotfish doctor
  pilotfish doctor --json | grep '"fail"'`;

export function registerDoctor(program: Command, io: CliIo, dependencies: CliDependencies): void {
  program
    .command('doctor')
    .summary('check whether this machine is ready')
    .description('Checks whether this machine is ready. Downloads nothing.')
    .option('--json', 'print the checks, one JSON object per line')
    .option('--no-color', 'no colours')
    .addHelpText('after', `\n${NOTES}`)
    .action(async (options: DoctorOptions) => {
      await doctor(options, options.color ? io : withoutColor(io), dependencies);
    });
}

async function doctor(
  { json }: DoctorOptions,
  io: CliIo,
  dependencies: CliDependencies,
): Promise<void> {
  const facts = await inspect(io, dependencies);
  const checks = healthChecks(facts, {
    outIsTerminal: io.outIsTerminal,
    env: io.env,
    color: io.color,
    columns: io.columns,
    platform: facts.platform,
  });
  const status = worstStatus(checks);
  if (json === true) {
    const lines = [
      ...checks.map((check) => ({ type: 'check', ...check })),
      { type: 'doctor', status },
    ];
    io.out(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  } else {
    io.out(renderChecks(checks, io.columns, io.color));
  }
  if (status === 'fail') io.setExitCode(EXIT.failed);
}

async function inspect(io: CliIo, dependencies: CliDependencies): Promise<MachineFacts> {
  const bar = progressBar(io);
  try {
    return await dependencies.inspectMachine({
      env: io.env,
      signal: io.signal,
      onProgress: bar.onProgress,
      onNotice: bar.onNotice,
    });
  } finally {
    bar.stop();
  }
}
