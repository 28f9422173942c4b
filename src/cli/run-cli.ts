/**
 * The command line as a function of its arguments and an outside: it parses, runs one command, and turns
 * every failure into text and an exit code. It never throws and never ends the process.
 */
import { Command, CommanderError } from 'commander';
import { PilotfishError } from '../core/errors.ts';
import type { CliDependencies } from './cli-dependencies.ts';
import { registerAdvise } from './commands/advise.ts';
import { registerAsk } from './commands/ask.ts';
import { registerBench } from './commands/bench.ts';
import { registerCalibrate } from './commands/calibrate.ts';
import { registerChat } from './commands/chat.ts';
import { registerCompare } from './commands/compare.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerEval } from './commands/eval.ts';
import { registerFit } from './commands/fit.ts';
import { registerGrade } from './commands/grade.ts';
import { registerHub } from './commands/hub.ts';
import { registerReport } from './commands/report.ts';
import { registerServe } from './commands/serve.ts';
import { registerTrain } from './commands/train.ts';
import { EXIT, EXIT_CODE_HELP } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { OutputClosed } from './process-lifetime.ts';
import { reportError } from './report-error.ts';

const DESCRIPTION =
  'Runs a small language model and brings in a large one only where that changes the answer.';

const NOTES = `${EXIT_CODE_HELP}

Environment:
  NO_COLOR, FORCE_COLOR  switch colours off or on
  PILOTFISH_DEBUG=1      show where an error happened

Try first:
  pilotfish doctor
  pilotfish ask "What is a pilot fish?"`;

export async function runCli(
  args: readonly string[],
  io: CliIo,
  dependencies: CliDependencies,
): Promise<void> {
  try {
    const program = await createProgram(args, io, dependencies);
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    report(error, args, io);
  }
}

async function createProgram(
  args: readonly string[],
  io: CliIo,
  dependencies: CliDependencies,
): Promise<Command> {
  const program = new Command('pilotfish')
    .description(DESCRIPTION)
    .version(dependencies.version)
    .exitOverride()
    .configureOutput({
      writeOut: io.out,
      // Commander's own error lines are suppressed: they return as a CommanderError.
      writeErr: io.err,
      outputError: () => {},
      getOutHelpWidth: () => io.columns,
      getErrHelpWidth: () => io.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText('after', `\n${NOTES}`);
  registerAsk(program, io, dependencies);
  registerChat(program, io, dependencies);
  registerCompare(program, io, dependencies);
  registerAdvise(program, io, dependencies);
  registerBench(program, io, dependencies);
  registerEval(program, io, dependencies);
  registerReport(program, io, dependencies);
  registerGrade(program, io, dependencies);
  registerTrain(program, io, dependencies);
  registerFit(program, io, dependencies);
  registerCalibrate(program, io, dependencies);
  registerServe(program, io, dependencies);
  registerHub(program, io, dependencies);
  registerDoctor(program, io, dependencies);
  const isKnown = program.commands.some((command) => command.name() === args[0]);
  // The catalog imports HTTP and archive readers, which the other commands load only when needed.
  if (!isKnown) (await import('./commands/models.ts')).registerModels(program, io);
  return program;
}

function report(error: unknown, args: readonly string[], io: CliIo): void {
  if (io.signal.aborted && io.signal.reason instanceof OutputClosed) return;
  const failure = error instanceof CommanderError ? usageError(error) : error;
  if (failure === null) return;
  if (failure === 'help') {
    io.setExitCode(EXIT.usage);
    return;
  }
  reportError(failure, io, wantsJson(args));
}

/** Looks for the flag itself, because parsing may have failed. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).includes('--json');
}

/** Commander's complaint as a PilotfishError; null if help or the version was requested. */
function usageError(error: CommanderError): PilotfishError | 'help' | null {
  if (error.exitCode === 0) return null;
  // No command was given, and the help went to standard error.
  if (error.code === 'commander.help') return 'help';
  const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  return new PilotfishError('option-invalid', asSentence(message), {
    remedy: 'See `pilotfish --help`, or `pilotfish COMMAND --help`.',
  });
}

function asSentence(text: string): string {
  const capitalised = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.?!)]$/.test(capitalised) ? capitalised : `${capitalised}.`;
}
