/** What a command may touch of the outside: streams, colours, cancellation. Tests pass their own. */
import { Chalk, type ChalkInstance } from 'chalk';

export interface CliIo {
  /** Results: nothing else goes to standard output. */
  readonly out: (text: string) => void;
  /** Progress, notices and errors. */
  readonly err: (text: string) => void;
  readonly outIsTerminal: boolean;
  readonly errIsTerminal: boolean;
  /** Columns of the terminal, or 80. */
  readonly columns: number;
  /** Colours for standard output: plain text unless it is a terminal (NO_COLOR, FORCE_COLOR hold). */
  readonly color: ChalkInstance;
  readonly errColor: ChalkInstance;
  readonly input: NodeJS.ReadableStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Fires on Ctrl-C. */
  readonly signal: AbortSignal;
  setExitCode(code: number): void;
}

function colors(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): ChalkInstance {
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return new Chalk({ level: 0 });
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined && forced !== '0') return new Chalk({ level: 2 });
  return stream.isTTY ? new Chalk() : new Chalk({ level: 0 });
}

export function processIo(signal: AbortSignal): CliIo {
  const { stdout, stderr, stdin, env } = process;
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    outIsTerminal: stdout.isTTY === true,
    errIsTerminal: stderr.isTTY === true,
    columns: stdout.columns ?? 80,
    color: colors(stdout, env),
    errColor: colors(stderr, env),
    input: stdin,
    env,
    signal,
    setExitCode: (code) => {
      process.exitCode = code;
    },
  };
}
