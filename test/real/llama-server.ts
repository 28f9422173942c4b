/**
 * A real llama-server for tests: the prebuilt server inside the Python package xllamacpp, installed into
 * a virtual environment under the user's cache. Null, with the reason printed, if it is unavailable.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { z } from 'zod';
import { catalogContext } from '../../src/catalog/catalog-context.ts';
import type { ChatMessage } from '../../src/core/chat-message.ts';

const PACKAGE = 'xllamacpp==2026.10.11549';
const INSTALL_TIMEOUT_MS = 300_000;
const START_TIMEOUT_MS = 120_000;

export interface LlamaServer extends AsyncDisposable {
  readonly address: string;
  /** Greedy continuation of a tokenised prompt. */
  complete(prompt: readonly number[], tokenCount: number): Promise<number[]>;
  /** The tokens of a conversation, as the server's own template and tokeniser make them. */
  promptTokens(messages: readonly ChatMessage[]): Promise<number[]>;
}

/** The Python that has the server, or the reason why there is none. */
export async function serverPython(): Promise<{ python: string } | { reason: string }> {
  const folder = join(catalogContext().home, 'llama-server');
  const python = join(folder, 'bin', 'python');
  try {
    if (!existsSync(python)) await execa('python3', ['-m', 'venv', folder]);
    await execa(python, ['-m', 'pip', 'install', '-q', PACKAGE], { timeout: INSTALL_TIMEOUT_MS });
    return { python };
  } catch (error) {
    return { reason: `no llama-server: ${error instanceof Error ? error.message : String(error)}` };
  }
}

export async function startServer(
  python: string,
  modelPath: string,
  contextLength: number,
  slotCount = 1,
): Promise<LlamaServer> {
  const script = join(import.meta.dirname, 'llama-server.py');
  const child = spawn(python, [script, modelPath, ...[contextLength, slotCount].map(String)], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const address = await listeningAddress(child);
  return {
    address,
    async complete(prompt, tokenCount) {
      const body = await post(`${address}/completion`, {
        prompt,
        n_predict: tokenCount,
        temperature: 0,
        return_tokens: true,
        cache_prompt: false,
      });
      return z.object({ tokens: z.array(z.number()) }).parse(body).tokens;
    },
    async promptTokens(messages) {
      const rendered = await post(`${address}/apply-template`, { messages });
      const { prompt } = z.object({ prompt: z.string() }).parse(rendered);
      const body = await post(`${address}/tokenize`, { content: prompt, add_special: true });
      return z.object({ tokens: z.array(z.number()) }).parse(body).tokens;
    },
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.stdin?.end();
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function post(url: string, body: object): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return await response.json();
}

/** The address that the script prints once it listens. */
export async function listeningAddress(child: ChildProcess): Promise<string> {
  const { stdout } = child;
  if (stdout === null) throw new TypeError('the child has no output');
  const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS);
  try {
    for await (const line of createInterface({ input: stdout })) {
      const match = /^LISTENING (\S+)$/.exec(line);
      if (match?.[1] !== undefined) return match[1];
    }
  } finally {
    clearTimeout(timer);
  }
  throw new TypeError('the server ended before it listened');
}
