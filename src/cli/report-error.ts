/** The one place where an error becomes text and an exit code. */
import { PilotfishError } from '../core/errors.ts';
import { exitCodeOf } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { printableText } from './rendering/printable-text.ts';

/** The report of an error to a person, or with `--json` to a script. */
interface ErrorReport {
  readonly type: 'error';
  /** An `ErrorCode`, or `internal` for a bug. */
  readonly code: string;
  readonly message: string;
  readonly remedy: string | null;
}

const INTERNAL_REMEDY = 'Report this. PILOTFISH_DEBUG=1 shows where it happened.';

function errorReport(error: unknown): ErrorReport {
  if (PilotfishError.isInstance(error)) {
    return { type: 'error', code: error.code, message: error.message, remedy: error.remedy };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { type: 'error', code: 'internal', message, remedy: INTERNAL_REMEDY };
}

/** `error[code]: message` and, if there is a remedy, `help: remedy`. */
function renderErrorReport(report: ErrorReport, color: CliIo['errColor']): string {
  const head = color.bold.red(`error[${report.code}]:`);
  const lines = [`${head} ${printableText(report.message)}`];
  if (report.remedy !== null) lines.push(`${color.bold('help:')} ${printableText(report.remedy)}`);
  return lines.map((line) => `${line}\n`).join('');
}

/** Prints the error for people and, with `json`, as a line on standard output. */
export function printError(error: unknown, io: CliIo, json: boolean): void {
  const report = errorReport(error);
  io.err(renderErrorReport(report, io.errColor));
  if (io.env['PILOTFISH_DEBUG'] === '1' && error instanceof Error && error.stack !== undefined) {
    io.err(`${printableText(error.stack)}\n`);
  }
  if (json) io.out(`${JSON.stringify(report)}\n`);
}

/** Ends a command: prints the error and sets the exit code. */
export function reportError(error: unknown, io: CliIo, json: boolean): void {
  printError(error, io, json);
  io.setExitCode(exitCodeOf(error));
}
