/**
 * A fake pip for tests, on a PATH of its own: a program named python3 (or pip) that copies a
 * prepared wheel, fails, or hangs with a helper process beside it. It records how it was called.
 */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The behaviour for one package: the bytes of its wheel, or a way to fail. */
export type PipAnswer =
  | { readonly kind: 'wheel'; readonly bytes: Buffer }
  | { readonly kind: 'fail'; readonly stderr: string }
  | { readonly kind: 'hang' };

interface PipCall {
  readonly args: readonly string[];
  readonly pid: number;
  /** The id of the helper process, if pip hung. */
  readonly helperPid: number | null;
  readonly env: Readonly<Record<string, string>>;
}

export interface FakePip {
  /** The value for PATH: the folder holds nothing else. */
  readonly folder: string;
  answer(packageName: string, ...answers: readonly PipAnswer[]): Promise<void>;
  calls(): Promise<readonly PipCall[]>;
}

/** The answers of a package are numbered files; each call takes the first and removes it. */
const PROGRAM = `
const fs = require('node:fs');
const path = require('node:path');
const { spawn } = require('node:child_process');
const args = process.argv.slice(2);
const root = ROOT;
const note = (helperPid) => fs.appendFileSync(path.join(root, 'calls.jsonl'), JSON.stringify({
  args, pid: process.pid, helperPid,
  env: { TMPDIR: process.env.TMPDIR ?? '', PIP_INDEX_URL: process.env.PIP_INDEX_URL ?? '' },
}) + '\\n');
if (args.includes('--version')) {
  process.stdout.write('pip 0.0 (fake)\\n');
} else {
  const name = args.at(-1).split('==')[0];
  const folder = path.join(root, 'answers', name);
  const files = fs.existsSync(folder) ? fs.readdirSync(folder).sort() : [];
  const file = files[0];
  const answer = file === undefined
    ? { kind: 'fail', stderr: 'ERROR: No matching distribution found for ' + args.at(-1) }
    : JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8'));
  if (files.length > 1) fs.rmSync(path.join(folder, file));
  if (answer.kind === 'hang') {
    const stay = ['-e', 'setInterval(() => {}, 1000)'];
    const helper = spawn(process.execPath, stay, { stdio: 'inherit' });
    note(helper.pid);
    setInterval(() => {}, 1000);
  } else {
    note(null);
    if (answer.kind === 'fail') {
      process.stderr.write(answer.stderr + '\\n');
      process.exit(1);
    }
    const target = args[args.indexOf('-d') + 1];
    const bytes = Buffer.from(answer.bytes, 'base64');
    fs.writeFileSync(path.join(target, name.replaceAll('-', '_') + '-1-py3-none-any.whl'), bytes);
  }
}
`;

export async function fakePip(root: string, program: string = 'python3'): Promise<FakePip> {
  const folder = join(root, 'bin');
  await mkdir(folder, { recursive: true });
  const path = join(folder, program);
  const source = PROGRAM.replace('ROOT', JSON.stringify(root));
  await writeFile(path, `#!${process.execPath}\n${source}`);
  await chmod(path, 0o755);
  return {
    folder,
    answer: async (packageName, ...answers) => {
      const answerFolder = join(root, 'answers', packageName);
      await mkdir(answerFolder, { recursive: true });
      for (const [index, answer] of answers.entries()) {
        const plain =
          answer.kind === 'wheel'
            ? { kind: 'wheel', bytes: answer.bytes.toString('base64') }
            : answer;
        await writeFile(join(answerFolder, String(index)), JSON.stringify(plain));
      }
    },
    calls: async () => {
      const text = await readFile(join(root, 'calls.jsonl'), 'utf8').catch(() => '');
      const lines = text.split('\n').filter((line) => line !== '');
      // The program above wrote these lines.
      return lines.map((line) => JSON.parse(line) as PipCall);
    },
  };
}
