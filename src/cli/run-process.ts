/** Joins the command line to this process: signals, streams, the exit code. */
import { PilotfishError } from '../core/errors.ts';
import type { CliDependencies } from './cli-dependencies.ts';
import { EXIT } from './exit-code.ts';
import { processIo } from './io.ts';
import { processLifetime } from './process-lifetime.ts';
import { reportError } from './report-error.ts';
import { runCli } from './run-cli.ts';

export async function runProcess(dependencies: CliDependencies): Promise<void> {
  const lifetime = processLifetime(process);
  const io = processIo(lifetime.signal);
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error) => {
      reportError(error, io, false);
      process.exit();
    });
  }
  await runCli(process.argv.slice(2), io, dependencies);
  // The last writes may fail after the command has ended. An empty write ends after them.
  await new Promise((resolve) => process.stdout.write('', resolve));
  const reason: unknown = lifetime.signal.reason;
  // A command for which a signal is the usual end says so with this code.
  if (process.exitCode === EXIT.ok) return;
  if (!process.exitCode && PilotfishError.isInstance(reason)) reportError(reason, io, false);
  if (lifetime.isTerminated()) io.setExitCode(EXIT.terminated);
}
