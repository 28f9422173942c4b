/** Runs the program as a process, as a shell does. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));
export const REAL = 'src/cli/main.ts';
/** The real program around a scripted engine. */
export const SCRIPTED = 'test/cli/scripted-main.ts';

interface Outcome {
  readonly out: string;
  readonly err: string;
  readonly code: number | null;
}

interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Called with the process when it first wrote to standard output. */
  readonly onFirstOutput?: (child: ChildProcessWithoutNullStreams) => void;
}

export async function run(
  main: string,
  args: readonly string[],
  { input = '', env = {}, onFirstOutput }: RunOptions = {},
): Promise<Outcome> {
  const child = spawn(process.execPath, ['--import', 'tsx', main, ...args], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  const seen = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    if (seen.out === '') onFirstOutput?.(child);
    seen.out += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    seen.err += chunk;
  });
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  return { ...seen, code };
}
