/**
 * The trees of one model, one per prompt, in files that only grow. A file's first line says what it
 * belongs to; every other line is an entry of the tree. Trees are read when first asked for and
 * dropped by `release`, so that memory holds the prompts at work and no more.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { PilotfishError } from '../../core/errors.ts';
import type { TokenId } from '../../core/token-id.ts';
import { appendLines, parsedJson, readLines } from '../growing-file.ts';
import { ContinuationTrie } from './continuation-trie.ts';

/** Files of other versions lie in other folders, and are refused where they do not. */
export const CACHE_VERSION = 1;

/** What rows depend on besides the text: the model file, and the library that runs it. */
export interface CacheScope {
  /** SHA-256 of the model file, in hex. */
  readonly modelDigest: string;
  /** Build of the native library: other kernels, other last digits. */
  readonly engine: string;
}

const HEADER = z.object({
  version: z.number(),
  modelDigest: z.string(),
  engine: z.string(),
  prompt: z.string(),
});

interface OpenTree {
  readonly trie: ContinuationTrie;
  readonly path: string;
  /** Whether the file is there, with its header. */
  isBegun: boolean;
}

export class TrieStore {
  readonly #folder: string;
  readonly #scope: CacheScope;
  readonly #trees = new Map<string, Promise<OpenTree>>();

  /** @param folder null keeps everything in memory */
  constructor(folder: string | null, scope: CacheScope) {
    this.#scope = scope;
    const { modelDigest, engine } = scope;
    const name = sha256(JSON.stringify([CACHE_VERSION, modelDigest, engine]));
    this.#folder = folder === null ? '' : join(folder, `v${CACHE_VERSION}`, name.slice(0, 24));
  }

  /**
   * The tree behind a prompt: what is read without outputs.
   * @param vocabularySize ids from there on are masked
   * @throws PilotfishError `cache-invalid`
   */
  async tree(prompt: readonly TokenId[], vocabularySize: number): Promise<ContinuationTrie> {
    const key = sha256(Int32Array.of(vocabularySize, ...prompt));
    const known = this.#trees.get(key);
    if (known !== undefined) return (await known).trie;
    const opening = this.#open(key);
    this.#trees.set(key, opening);
    opening.catch(() => this.#trees.delete(key));
    return (await opening).trie;
  }

  /** Writes what is new. Nobody may be adding to the trees meanwhile. */
  async flush(): Promise<void> {
    for (const [key, opening] of this.#trees) await this.#write(key, await opening);
  }

  /** Writes what is new and forgets every tree. */
  async release(): Promise<void> {
    await this.flush();
    this.#trees.clear();
  }

  async #open(key: string): Promise<OpenTree> {
    const trie = new ContinuationTrie();
    const path = join(this.#folder, `${key}.jsonl`);
    const [header, ...lines] = this.#folder === '' ? [] : await readLines(path);
    if (header === undefined) return { trie, path, isBegun: false };
    this.#checkHeader(path, header, key);
    for (const [index, line] of lines.entries()) {
      if (!trie.replay(entryOf(line))) throw invalid(path, `line ${index + 2} does not fit`);
    }
    return { trie, path, isBegun: true };
  }

  #checkHeader(path: string, line: string, key: string): void {
    const header = HEADER.safeParse(parsedJson(line));
    if (!header.success) throw invalid(path, 'its first line is not a header');
    const expected = { version: CACHE_VERSION, ...this.#scope, prompt: key };
    for (const [name, value] of Object.entries(expected)) {
      const found = header.data[name as keyof typeof header.data];
      if (found !== value) throw invalid(path, `its ${name} is ${found}, not ${value}`);
    }
  }

  async #write(key: string, tree: OpenTree): Promise<void> {
    const fresh = tree.trie.takeFresh();
    if (this.#folder === '' || fresh.length === 0) return;
    const header = { version: CACHE_VERSION, ...this.#scope, prompt: key };
    await appendLines(tree.path, tree.isBegun ? fresh : [header, ...fresh]);
    tree.isBegun = true;
  }
}

function entryOf(line: string): readonly number[] {
  const value = parsedJson(line);
  return Array.isArray(value) ? value : [Number.NaN];
}

function invalid(path: string, why: string): PilotfishError {
  return new PilotfishError('cache-invalid', `The cache file ${path} cannot be used: ${why}.`, {
    remedy: 'Delete the file: what it holds is computed again.',
    fields: { path },
  });
}

function sha256(data: string | Int32Array): string {
  const hash = createHash('sha256');
  return (typeof data === 'string' ? hash.update(data) : hash.update(bytesOf(data))).digest('hex');
}

function bytesOf(data: Int32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
