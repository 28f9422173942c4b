/** A command's outside for tests: the written texts, in order, and a way to press Ctrl-C. */

import { Readable } from 'node:stream';
import { Chalk, type ColorSupportLevel } from 'chalk';
import type { CliIo } from '../../src/cli/io.ts';

export interface RecordedIo {
  readonly io: CliIo;
  readonly out: () => string;
  readonly err: () => string;
  readonly exitCode: () => number | null;
  readonly abort: (reason?: unknown) => void;
}

export interface RecordedIoOptions {
  readonly terminal?: boolean;
  readonly outIsTerminal?: boolean;
  readonly errIsTerminal?: boolean;
  readonly inputIsTerminal?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  readonly colorLevel?: ColorSupportLevel;
  readonly input?: NodeJS.ReadableStream | string | readonly Uint8Array[];
  readonly env?: Readonly<Record<string, string>>;
  /** Called with every text that goes to standard output. */
  readonly onOut?: (text: string) => void;
}

function inputStream(input: RecordedIoOptions['input']): NodeJS.ReadableStream {
  if (input === undefined) return Readable.from([]);
  if (typeof input === 'string') return Readable.from([Buffer.from(input)]);
  return Array.isArray(input) ? Readable.from(input) : (input as NodeJS.ReadableStream);
}

export function recordedIo(options: RecordedIoOptions = {}): RecordedIo {
  const out: string[] = [];
  const err: string[] = [];
  const controller = new AbortController();
  const terminal = options.terminal ?? false;
  const color = new Chalk({ level: options.colorLevel ?? 0 });
  let exitCode: number | null = null;
  const io: CliIo = {
    out: (text) => {
      out.push(text);
      options.onOut?.(text);
    },
    err: (text) => void err.push(text),
    outIsTerminal: options.outIsTerminal ?? terminal,
    errIsTerminal: options.errIsTerminal ?? terminal,
    columns: options.columns ?? 80,
    rows: options.rows ?? 24,
    color,
    errColor: color,
    input: inputStream(options.input),
    inputIsTerminal: options.inputIsTerminal ?? terminal,
    env: options.env ?? {},
    signal: controller.signal,
    setExitCode: (code) => {
      exitCode = code;
    },
  };
  return {
    io,
    out: () => out.join(''),
    err: () => err.join(''),
    exitCode: () => exitCode,
    abort: (reason) => controller.abort(reason),
  };
}
