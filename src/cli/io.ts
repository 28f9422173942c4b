/** The outside of a command: streams, colours, cancellation. Tests pass their own. */
import { Chalk, type ChalkInstance, type ColorSupportLevel, chalkStderr } from 'chalk';

export interface CliIo {
  /** Results: nothing else goes to standard output. */
  readonly out: (text: string) => void;
  /** Progress, notices and errors. */
  readonly err: (text: string) => void;
  readonly outIsTerminal: boolean;
  readonly errIsTerminal: boolean;
  /** Columns of the terminal, or 80. */
  readonly columns: number;
  /** Rows of the terminal, or 24. */
  readonly rows: number;
  /** Colours for standard output. Plain text unless it is a terminal; NO_COLOR and FORCE_COLOR apply. */
  readonly color: ChalkInstance;
  readonly errColor: ChalkInstance;
  readonly input: NodeJS.ReadableStream;
  readonly inputIsTerminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Fires on Ctrl-C. */
  readonly signal: AbortSignal;
  setExitCode(code: number): void;
}

const COLUMNS_DEFAULT = 80;
const ROWS_DEFAULT = 24;
const FORCED_LEVELS: Readonly<Record<string, ColorSupportLevel>> = {
  '0': 0,
  false: 0,
  '1': 1,
  '2': 2,
  '3': 3,
};

/** NO_COLOR wins over FORCE_COLOR, which wins over the detected support of the terminal. */
export function colorLevel(
  env: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
  found: ColorSupportLevel,
): ColorSupportLevel {
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return 0;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return FORCED_LEVELS[forced] ?? 2;
  return isTerminal ? found : 0;
}

/** The same outside without colours, for `--no-color`. */
export function withoutColor(io: CliIo): CliIo {
  const plain = new Chalk({ level: 0 });
  // Not a spread, because `columns` and `rows` are getters that follow the terminal's size.
  return Object.create(io, { color: { value: plain }, errColor: { value: plain } });
}

export function processIo(signal: AbortSignal): CliIo {
  const { stdout, stderr, stdin, env } = process;
  const outIsTerminal = stdout.isTTY === true;
  const errIsTerminal = stderr.isTTY === true;
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    outIsTerminal,
    errIsTerminal,
    get columns() {
      // A terminal that does not know its size reports 0.
      return stdout.columns || stderr.columns || COLUMNS_DEFAULT;
    },
    get rows() {
      return stdout.rows || ROWS_DEFAULT;
    },
    color: new Chalk({ level: colorLevel(env, outIsTerminal, new Chalk().level) }),
    errColor: new Chalk({ level: colorLevel(env, errIsTerminal, chalkStderr.level) }),
    input: stdin,
    inputIsTerminal: stdin.isTTY === true,
    env,
    signal,
    setExitCode: (code) => {
      process.exitCode = code;
    },
  };
}
