/**
 * Lines from standard input, one by one. Lines that arrive while an answer is written wait for their
 * turn. On a terminal it has editing and history.
 */
import { createInterface } from 'node:readline';
import type { CliIo } from '../io.ts';
import { terminalStream } from '../rendering/terminal-stream.ts';

/** With this many waiting lines, a pipe is paused. */
const WAITING_LINES_MAX = 1000;

export interface LineReader {
  /** Shows the prompt (on a terminal) and gives the next line; null at the end. */
  next(): Promise<string | null>;
  close(): void;
}

export interface LineReaderOptions {
  readonly prompt: string;
  /** Ctrl-C on a terminal, which then does not reach the process as a signal. */
  readonly onInterrupt: () => void;
}

export function lineReader(io: CliIo, { prompt, onInterrupt }: LineReaderOptions): LineReader {
  const isTerminal = io.inputIsTerminal && io.outIsTerminal;
  const lines: string[] = [];
  let isClosed = false;
  let wake: (() => void) | null = null;

  const readline = createInterface({
    input: io.input,
    terminal: isTerminal,
    prompt,
    ...(isTerminal ? { output: terminalStream(io.out, () => io.columns) } : {}),
  });
  const notify = (): void => {
    wake?.();
    wake = null;
  };
  readline.on('line', (line) => {
    lines.push(line);
    // A terminal is never paused, because Ctrl-C arrives there.
    if (!isTerminal && lines.length >= WAITING_LINES_MAX) readline.pause();
    notify();
  });
  readline.on('close', () => {
    isClosed = true;
    // The cursor is after the prompt, and the next output is not the user's line.
    if (isTerminal && wake !== null) io.out('\n');
    notify();
  });
  readline.on('SIGINT', onInterrupt);
  const close = (): void => readline.close();
  io.signal.addEventListener('abort', close, { once: true });

  return {
    next: async () => {
      if (lines.length === 0 && !isClosed) {
        if (isTerminal) readline.prompt();
        else readline.resume();
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return lines.shift() ?? null;
    },
    close: () => {
      io.signal.removeEventListener('abort', close);
      readline.close();
    },
  };
}
