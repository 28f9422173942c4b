/**
 * The trees of one model, one per prompt, in append-only files. The first line of a file identifies
 * its contents; the other lines are entries of the tree. A tree is read at its first request and
 * dropped by `release`, so memory holds only the prompts in use. Features of rows are entries too;
 * a file without features is complete.
 *
 * Entries name nodes by number, so an entry makes sense only after the entries that its writer
 * knew. Two processes may write one file at once. Therefore each append begins with a mark: a
 * digest of all earlier entries that the process knows. A reader skips lines that do not fit, up to
 * the next mark that does. Such lines build on other entries, or were cut off or damaged. So no
 * wrong row is ever remembered; at worst some rows are computed again.
 */
import { createHash, type Hash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { PilotfishError } from '../../core/errors.ts';
import { parseJson } from '../../core/parse-json.ts';
import type { TokenId } from '../../core/token-id.ts';
import { appendLines, linesNow } from '../../storage/json-lines.ts';
import { ContinuationTrie } from './continuation-trie.ts';
import { DrawnRows } from './drawn-rows.ts';

/** Each version has a folder of its own; a file of another version in this folder is refused. */
export const CACHE_VERSION = 1;

/** Rows depend on the text, on the model file, and on the library that runs it. */
export interface CacheScope {
  /** SHA-256 of the model file, in hex. */
  readonly modelDigest: string;
  /** Build of the native library: other kernels give other last digits. */
  readonly engine: string;
}

const HEADER = z.object({
  version: z.number(),
  modelDigest: z.string(),
  engine: z.string(),
  prompt: z.string(),
});

/** The line that begins one append of one process. */
interface Mark {
  /** A digest of all entries before it. */
  readonly after: string;
}

interface OpenTree {
  readonly trie: ContinuationTrie;
  readonly path: string;
  /** Over all entries of the file. */
  readonly hash: Hash;
  /** Whether the file exists, with its header. */
  isBegun: boolean;
}

export class TrieStore {
  /** Rows that stay in memory, until `release` or `drop`. */
  readonly drawn: DrawnRows = new DrawnRows();
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
   * The tree after a prompt, which is the part of a text that is read without outputs.
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

  /** Writes the new entries. No caller may be adding to the trees meanwhile. */
  async flush(): Promise<void> {
    for (const [key, opening] of this.#trees) await this.#write(key, await opening);
  }

  /** Writes the new entries and forgets every tree. */
  async release(): Promise<void> {
    try {
      await this.flush();
    } finally {
      this.drop();
    }
  }

  /** Forgets every tree, with its new entries. */
  drop(): void {
    this.drawn.forget();
    this.#trees.clear();
  }

  async #open(key: string): Promise<OpenTree> {
    const path = join(this.#folder, `${key}.jsonl`);
    const tree = { trie: new ContinuationTrie(), path, hash: createHash('sha256'), isBegun: false };
    if (this.#folder === '') return tree;
    const lines = linesNow(path);
    // A header that was cut off may come before the whole one.
    const begin = lines.findIndex((line) => parseJson(line) !== undefined);
    if (begin < 0) return tree;
    this.#checkHeader(path, parseJson(lines[begin] ?? ''), key);
    tree.isBegun = true;
    replayAll(lines.slice(begin + 1), tree);
    return tree;
  }

  #checkHeader(path: string, value: unknown, key: string): void {
    const header = HEADER.safeParse(value);
    if (!header.success) throw invalid(path, 'it does not begin with a header');
    const expected = { version: CACHE_VERSION, ...this.#scope, prompt: key };
    for (const [name, value] of Object.entries(expected)) {
      const found = header.data[name as keyof typeof header.data];
      if (found !== value) throw invalid(path, `its ${name} is ${found}, not ${value}`);
    }
  }

  async #write(key: string, tree: OpenTree): Promise<void> {
    if (this.#folder === '') return;
    const fresh = tree.trie.takeFresh();
    if (fresh.length === 0) return;
    const header = { version: CACHE_VERSION, ...this.#scope, prompt: key };
    const mark: Mark = { after: digestOf(tree.hash) };
    try {
      await appendLines(tree.path, [...(tree.isBegun ? [] : [header]), mark, ...fresh]);
    } catch (error) {
      // It is unknown how much of the entry was written: the tree is read again at its next
      // request.
      this.#trees.delete(key);
      throw error;
    }
    tree.isBegun = true;
    for (const entry of fresh) tree.hash.update(JSON.stringify(entry));
  }
}

function replayAll(lines: readonly string[], { trie, hash }: OpenTree): void {
  let fits = true;
  for (const line of lines) {
    const value = parseJson(line);
    // A mark, or the header of another process that began the file at the same time.
    if (isObject(value)) fits = 'after' in value && value.after === digestOf(hash);
    else if (fits) {
      fits = Array.isArray(value) && trie.replay(value);
      if (fits) hash.update(line);
    }
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const DIGEST_DIGITS = 16;

function digestOf(hash: Hash): string {
  return hash.copy().digest('hex').slice(0, DIGEST_DIGITS);
}

function invalid(path: string, why: string): PilotfishError {
  return new PilotfishError('cache-invalid', `The cache file ${path} cannot be used: ${why}.`, {
    remedy: 'Delete the file: its rows are computed again.',
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
