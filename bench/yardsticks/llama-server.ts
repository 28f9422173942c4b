/**
 * A llama-server as a child process, in the shape of the engine: either a binary of the same llama.cpp
 * build (see bench/README.md) or, as the second choice, the server inside the Python package xllamacpp,
 * which is another build and is labelled as such. It is stopped while the engine runs.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { invariant } from '../../src/core/invariant.ts';
import { listeningAddress, serverPython } from '../../test/real/llama-server.ts';
import { processSeconds } from '../report/machine-watch.ts';
import type { StreamTimes } from '../workload/stream-times.ts';
import { CompletionClient } from './completion-client.ts';

export interface ServerShape {
  readonly modelPath: string;
  /** The context of all slots together. They share one KV cache, as the engine's sequences do. */
  readonly contextLength: number;
  readonly rowCountMax: number;
  readonly slotCount: number;
  readonly threadCount: number;
}

/** The source of the server: a binary, or a Python that has xllamacpp (null: install it). */
export type ServerSource = { readonly binary: string } | { readonly python: string | null };

const START_TIMEOUT_MS = 180_000;
const IDLE_WATCH_MS = 500;

export class LlamaServer implements AsyncDisposable {
  readonly label: string;
  readonly #child: ChildProcess;
  readonly #client: CompletionClient;
  #isPaused = false;

  private constructor(label: string, child: ChildProcess, address: string) {
    this.label = label;
    this.#child = child;
    this.#client = new CompletionClient(address);
  }

  static async start(source: ServerSource, shape: ServerShape): Promise<LlamaServer> {
    const port = await freePort();
    const address = `http://127.0.0.1:${port}`;
    if ('binary' in source) {
      const child = spawn(source.binary, binaryArguments(shape, port), { stdio: 'ignore' });
      await answering(child, address);
      return new LlamaServer('llama-server', child, address);
    }
    const python = source.python ?? (await installedPython());
    const script = join(import.meta.dirname, 'xllamacpp-server.py');
    const child = spawn(python, [script, JSON.stringify({ ...shape, port })], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const listening = await listeningAddress(child);
    return new LlamaServer('xllamacpp (another build)', child, listening);
  }

  get processSeconds(): number {
    return processSeconds(this.#pid);
  }

  /** The number of processors that the server keeps busy without requests. */
  async idleProcessors(): Promise<number> {
    const before = this.processSeconds;
    await sleep(IDLE_WATCH_MS);
    return ((this.processSeconds - before) * 1000) / IDLE_WATCH_MS;
  }

  /**
   * Runs each loop's prompts one after the other, and the loops side by side.
   * @returns arrival times of every loop's tokens
   */
  async run(
    loops: readonly (readonly (readonly number[])[])[],
    tokenCount: number,
  ): Promise<StreamTimes[]> {
    invariant(!this.#isPaused, 'a paused server cannot run');
    const began = performance.now();
    return await Promise.all(
      loops.map(async (prompts) => {
        const times: number[] = [];
        for (const prompt of prompts) {
          times.push(...(await this.#client.complete(prompt, tokenCount, began)));
        }
        return times;
      }),
    );
  }

  pause(): void {
    this.#isPaused = this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
    this.#isPaused = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  get #pid(): number {
    const { pid } = this.#child;
    invariant(pid !== undefined, 'the server runs');
    return pid;
  }
}

function binaryArguments(shape: ServerShape, port: number): string[] {
  const options = {
    '--model': shape.modelPath,
    '--port': port,
    '--ctx-size': shape.contextLength,
    '--parallel': shape.slotCount,
    '--batch-size': shape.rowCountMax,
    '--ubatch-size': shape.rowCountMax,
    '--threads': shape.threadCount,
    '--threads-batch': shape.threadCount,
    '--cache-ram': 0,
  };
  const pairs = Object.entries(options).flatMap(([name, value]) => [name, String(value)]);
  return [...pairs, '--kv-unified', '--no-cache-prompt', '--no-webui', '--offline'];
}

async function answering(child: ChildProcess, address: string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline && child.exitCode === null) {
    try {
      if ((await fetch(`${address}/health`)).ok) return;
    } catch {
      // It does not listen yet.
    }
    await sleep(100);
  }
  child.kill('SIGKILL');
  throw new TypeError(`the server did not start (exit code ${child.exitCode})`);
}

async function installedPython(): Promise<string> {
  const found = await serverPython();
  if ('reason' in found) throw new TypeError(found.reason);
  return found.python;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  invariant(address !== null && typeof address === 'object', 'a TCP server has a port');
  return address.port;
}
