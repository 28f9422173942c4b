import { appendFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tokenId, tokenIds } from '../../core/token-id.ts';
import { type ContinuationTrie, type KnownRow, type NodeId, ROOT } from './continuation-trie.ts';
import { type CacheScope, TrieStore } from './trie-store.ts';

const SCOPE: CacheScope = { modelDigest: 'abc', engine: 'b1' };
const PROMPT = tokenIds([3, 1, 4]);
const SIZE = 10;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-tries-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function store(scope: CacheScope = SCOPE): TrieStore {
  return new TrieStore(folder, scope);
}

function rowOf(choice: number): KnownRow {
  return {
    tokenId: tokenId(choice),
    logprob: -choice / 3,
    entropy: choice / 7,
    margin: 1 / choice,
  };
}

/** Stores a row with token `choice` after a path of tokens. */
function learn(trie: ContinuationTrie, path: readonly number[], choice: number): void {
  trie.learn(nodeBehind(trie, path), rowOf(choice));
}

async function rowBehind(path: readonly number[]): Promise<KnownRow | null> {
  const trie = await store().tree(PROMPT, SIZE);
  return trie.row(nodeBehind(trie, path));
}

function nodeBehind(trie: ContinuationTrie, path: readonly number[]): NodeId {
  let node = ROOT;
  for (const token of path) node = trie.step(node, tokenId(token));
  return node;
}

/** Stores hidden states after a path of tokens. The row is known. */
function learnStates(trie: ContinuationTrie, path: readonly number[], first: number): void {
  const topLogprobs = Float32Array.of(-first);
  const hidden = Float32Array.of(first, first / 2);
  trie.learnFeatures(nodeBehind(trie, path), { hidden, topLogprobs });
}

async function stateBehind(path: readonly number[]): Promise<readonly number[] | null> {
  const trie = await store().tree(PROMPT, SIZE);
  const wanted = { hidden: true, topLogprobs: 1 };
  const { hidden, topLogprobs } = trie.features(nodeBehind(trie, path), wanted);
  return hidden === null ? null : [...hidden, ...(topLogprobs ?? [])];
}

async function files(): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name.endsWith('.jsonl')).map((name) => join(folder, name));
}

async function onlyFile(): Promise<string> {
  const [path, ...others] = await files();
  expect(others).toEqual([]);
  return path ?? '';
}

/**
 * Damaged features: a cut-off number of node 1, which has a row; a node that is missing; an unknown
 * kind.
 */
const STATES = ['[1,"hidden","AAA"]', '[9,"hidden","AAAAAA=="]', '[1,"other","AAAAAA=="]'];

describe('a store of trees', () => {
  it('keeps released trees for the next process', async () => {
    const first = store();
    learn(await first.tree(PROMPT, SIZE), [5, 6], 7);
    await first.release();
    expect(await rowBehind([5, 6])).toEqual(rowOf(7));
    const second = store();
    learn(await second.tree(PROMPT, SIZE), [5, 8], 2);
    await second.flush();
    learn(await second.tree(PROMPT, SIZE), [5, 8, 8], 3);
    await second.flush();
    await second.flush();
    expect(await rowBehind([5, 6])).toEqual(rowOf(7));
    expect(await rowBehind([5, 8])).toEqual(rowOf(2));
    expect(await rowBehind([5, 8, 8])).toEqual(rowOf(3));
    expect(await rowBehind([9])).toBeNull();
  });

  it('keeps features of rows, written with the rows or later', async () => {
    const first = store();
    learn(await first.tree(PROMPT, SIZE), [5], 7);
    learnStates(await first.tree(PROMPT, SIZE), [5], 7);
    learn(await first.tree(PROMPT, SIZE), [6], 8);
    await first.release();
    const second = store();
    learnStates(await second.tree(PROMPT, SIZE), [6], 8);
    await second.release();
    expect([await rowBehind([5]), await rowBehind([6])]).toEqual([rowOf(7), rowOf(8)]);
    expect([await stateBehind([5]), await stateBehind([6])]).toEqual([
      [7, 3.5, -7],
      [8, 4, -8],
    ]);
  });

  it('has one tree for each prompt and vocabulary size, however often it is asked', async () => {
    const one = store();
    const trees = await Promise.all([
      one.tree(PROMPT, SIZE),
      one.tree(PROMPT, SIZE),
      one.tree(PROMPT, SIZE + 1),
      one.tree(tokenIds([3, 1]), SIZE),
      one.tree([], SIZE),
    ]);
    expect(trees[0]).toBe(trees[1]);
    expect(new Set(trees).size).toBe(4);
    for (const [index, tree] of [...new Set(trees)].entries()) learn(tree, [1], index + 1);
    await one.release();
    expect(await files()).toHaveLength(4);
    expect(await rowBehind([1])).toEqual(rowOf(1));
  });

  it('writes nothing where nothing is new, and nothing without a folder', async () => {
    const idle = store();
    await idle.tree(PROMPT, SIZE);
    await idle.release();
    const memory = new TrieStore(null, SCOPE);
    learn(await memory.tree(PROMPT, SIZE), [1], 2);
    await memory.flush();
    expect((await memory.tree(PROMPT, SIZE)).nodeCount).toBe(2);
    await memory.release();
    expect((await memory.tree(PROMPT, SIZE)).nodeCount).toBe(1);
    expect(await files()).toEqual([]);
  });

  it('drops unwritten rows on `drop`', async () => {
    const one = store();
    learn(await one.tree(PROMPT, SIZE), [1], 2);
    await one.flush();
    learn(await one.tree(PROMPT, SIZE), [3], 4);
    one.drop();
    await one.release();
    expect([await rowBehind([1]), await rowBehind([3])]).toEqual([rowOf(2), null]);
  });

  it('keeps the rows of different models and libraries apart', async () => {
    learn(await store().tree(PROMPT, SIZE), [1], 2);
    for (const scope of [SCOPE, { ...SCOPE, modelDigest: 'x' }, { ...SCOPE, engine: 'b2' }]) {
      const one = store(scope);
      learn(await one.tree(PROMPT, SIZE), [1], 2);
      await one.release();
    }
    expect(await files()).toHaveLength(3);
  });

  it('drops a last line that was cut off, and appends after it', async () => {
    const first = store();
    learn(await first.tree(PROMPT, SIZE), [5], 7);
    learn(await first.tree(PROMPT, SIZE), [6], 8);
    await first.release();
    const path = await onlyFile();
    await writeFile(path, (await readFile(path, 'utf8')).slice(0, -3));
    expect(await rowBehind([5])).toEqual(rowOf(7));
    expect(await rowBehind([6])).toBeNull();
    const second = store();
    learn(await second.tree(PROMPT, SIZE), [6], 8);
    await second.release();
    expect(await rowBehind([6])).toEqual(rowOf(8));
  });

  it('starts over where even the first line is cut off', async () => {
    const first = store();
    learn(await first.tree(PROMPT, SIZE), [5], 7);
    await first.release();
    await writeFile(await onlyFile(), '{"version":');
    expect(await rowBehind([5])).toBeNull();
    const second = store();
    learn(await second.tree(PROMPT, SIZE), [5], 7);
    await second.release();
    expect(await rowBehind([5])).toEqual(rowOf(7));
  });

  it.each([
    ['version', 2, 1],
    ['modelDigest', 'other', 'abc'],
    ['engine', 'other', 'b1'],
    ['prompt', 'other', expect.any(String)],
  ])('refuses a file of another %s', async (name, found, expected) => {
    const first = store();
    learn(await first.tree(PROMPT, SIZE), [5], 7);
    await first.release();
    const path = await onlyFile();
    const [header = '', ...lines] = (await readFile(path, 'utf8')).split('\n');
    const before = JSON.parse(header);
    expect(before[name]).toEqual(expected);
    const changed = JSON.stringify({ ...before, [name]: found });
    await writeFile(path, [changed, ...lines].join('\n'));
    await expect(store().tree(PROMPT, SIZE)).rejects.toMatchObject({
      code: 'cache-invalid',
      message: `The cache file ${path} cannot be used: its ${name} is ${found}, not ${before[name]}.`,
      fields: { path },
    });
  });

  it('skips damaged lines up to the next mark of a process that knew them', async () => {
    const first = store();
    learn(await first.tree(PROMPT, SIZE), [5], 7);
    await first.release();
    const path = await onlyFile();
    const whole = await readFile(path, 'utf8');
    for (const line of ['[77,1]', 'nonsense', '7', '"x"', '[0,1,null,0,0,0]', '', ...STATES]) {
      await writeFile(path, `${whole}${line}\n[0,8,9,0,0,0]\n`);
      expect([await rowBehind([5]), await rowBehind([8])], line).toEqual([rowOf(7), null]);
      const second = store();
      learn(await second.tree(PROMPT, SIZE), [6], 8);
      await second.release();
      expect([await rowBehind([5]), await rowBehind([6])], line).toEqual([rowOf(7), rowOf(8)]);
      expect(await rowBehind([8]), line).toBeNull();
    }
  });

  it('refuses a file with another header, and starts over once it is deleted', async () => {
    const one = store();
    learn(await one.tree(PROMPT, SIZE), [5], 7);
    await one.release();
    const path = await onlyFile();
    await writeFile(path, `nonsense\n[0,8]\n`);
    await expect(one.tree(PROMPT, SIZE)).rejects.toMatchObject({
      code: 'cache-invalid',
      message: `The cache file ${path} cannot be used: it does not begin with a header.`,
    });
    await rm(path);
    expect((await one.tree(PROMPT, SIZE)).nodeCount).toBe(1);
  });

  it('reads a folder of version 1 that an earlier program wrote, and adds to it', async () => {
    const fixture = new URL('../../../test/fixtures/version-1/rows/', import.meta.url);
    await cp(fixture, folder, { recursive: true });
    const rows = async () => [await rowBehind([5]), await rowBehind([5, 6]), await rowBehind([9])];
    expect(await rows()).toEqual([rowOf(7), rowOf(8), rowOf(2)]);
    expect(await stateBehind([5, 6])).toEqual([8, 4, -8]);
    const path = await onlyFile();
    const before = await readFile(path, 'utf8');
    const more = store();
    learn(await more.tree(PROMPT, SIZE), [9, 1], 3);
    await more.release();
    expect(await rows()).toEqual([rowOf(7), rowOf(8), rowOf(2)]);
    expect(await rowBehind([9, 1])).toEqual(rowOf(3));
    expect((await readFile(await onlyFile(), 'utf8')).startsWith(before)).toBe(true);
  });

  it('reads files without marks, from before they were introduced', async () => {
    const first = store();
    learn(await first.tree(PROMPT, SIZE), [5], 7);
    await first.release();
    const path = await onlyFile();
    const lines = (await readFile(path, 'utf8')).split('\n');
    await writeFile(path, lines.filter((line) => !line.includes('after')).join('\n'));
    const second = store();
    learn(await second.tree(PROMPT, SIZE), [6], 8);
    await second.release();
    expect([await rowBehind([5]), await rowBehind([6])]).toEqual([rowOf(7), rowOf(8)]);
  });
});

describe('two processes that write one tree', () => {
  it('never mix up the node numbers of one with those of the other', async () => {
    const shared = store();
    learn(await shared.tree(PROMPT, SIZE), [1], 1);
    await shared.release();
    const [first, second] = [store(), store()];
    const trees = [await first.tree(PROMPT, SIZE), await second.tree(PROMPT, SIZE)] as const;
    // Each process has another node 2.
    learn(trees[0], [1, 2], 2);
    learn(trees[1], [1, 3], 3);
    await first.flush();
    await second.flush();
    learn(trees[0], [1, 2, 4], 4);
    learn(trees[1], [1, 3, 5], 5);
    await second.flush();
    await first.flush();
    expect(await rowBehind([1])).toEqual(rowOf(1));
    expect(await rowBehind([1, 2])).toEqual(rowOf(2));
    expect(await rowBehind([1, 2, 4])).toEqual(rowOf(4));
    expect(await rowBehind([1, 2, 5])).toBeNull();
    // The other process wrote second: its rows are computed again, and kept then.
    expect(await rowBehind([1, 3])).toBeNull();
    const third = store();
    learn(await third.tree(PROMPT, SIZE), [1, 3], 3);
    await third.release();
    expect(await rowBehind([1, 3])).toEqual(rowOf(3));
    expect(await rowBehind([1, 2, 4])).toEqual(rowOf(4));
  });

  it('never mix up the features of a node', async () => {
    const shared = store();
    learn(await shared.tree(PROMPT, SIZE), [1], 1);
    learnStates(await shared.tree(PROMPT, SIZE), [1], 1);
    await shared.release();
    const [first, second] = [store(), store()];
    const trees = [await first.tree(PROMPT, SIZE), await second.tree(PROMPT, SIZE)] as const;
    learn(trees[0], [1, 2], 2);
    learnStates(trees[0], [1, 2], 2);
    learn(trees[1], [1, 3], 3);
    await second.flush();
    await first.flush();
    learnStates(trees[1], [1, 3], 3);
    await second.flush();
    expect(await stateBehind([1])).toEqual([1, 0.5, -1]);
    expect([await rowBehind([1, 3]), await stateBehind([1, 3])]).toEqual([rowOf(3), [3, 1.5, -3]]);
    // The other process wrote second: its rows are computed again, and kept then.
    expect([await rowBehind([1, 2]), await stateBehind([1, 2])]).toEqual([null, null]);
    const third = store();
    learn(await third.tree(PROMPT, SIZE), [1, 2], 2);
    learnStates(await third.tree(PROMPT, SIZE), [1, 2], 4);
    await third.release();
    expect(await stateBehind([1, 2])).toEqual([4, 2, -4]);
    expect(await stateBehind([1, 3])).toEqual([3, 1.5, -3]);
  });

  it('may read the file while the other one writes', async () => {
    const first = store();
    learn(await first.tree(PROMPT, SIZE), [1], 1);
    await first.flush();
    const path = await onlyFile();
    const size = (await readFile(path)).length;
    learn(await first.tree(PROMPT, SIZE), [1, 2], 2);
    await first.flush();
    const whole = await readFile(path);
    for (let length = size; length < whole.length; length += 1) {
      // The lines of the first process are there in part, and whole once the second one writes.
      await writeFile(path, whole.subarray(0, length));
      const second = store();
      learn(await second.tree(PROMPT, SIZE), [1, 3], 3);
      await appendFile(path, whole.subarray(length));
      await second.release();
      expect([await rowBehind([1]), await rowBehind([1, 2])]).toEqual([rowOf(1), rowOf(2)]);
    }
  });

  it('may both begin the file', async () => {
    const [first, second] = [store(), store()];
    learn(await first.tree(PROMPT, SIZE), [1, 2], 2);
    learn(await second.tree(PROMPT, SIZE), [3, 4], 4);
    await first.release();
    await second.release();
    expect(await rowBehind([1, 2])).toEqual(rowOf(2));
    expect(await rowBehind([3, 4])).toBeNull();
  });
});

describe('a store that cannot write', () => {
  it('reports the error, and writes a whole tree once it can again', async () => {
    const blocked = join(folder, 'v1');
    const one = store();
    learn(await one.tree(PROMPT, SIZE), [5], 7);
    await writeFile(blocked, '');
    await expect(one.flush()).rejects.toMatchObject({ code: 'file-system-failed' });
    await rm(blocked);
    learn(await one.tree(PROMPT, SIZE), [5, 6], 8);
    await one.release();
    expect(await rowBehind([5, 6])).toEqual(rowOf(8));
  });

  it('still forgets every tree on `release`', async () => {
    const one = store();
    learn(await one.tree(PROMPT, SIZE), [5], 7);
    learn(await one.tree([], SIZE), [5], 7);
    await writeFile(join(folder, 'v1'), '');
    await expect(one.release()).rejects.toMatchObject({ code: 'file-system-failed' });
    await rm(join(folder, 'v1'));
    expect((await one.tree([], SIZE)).nodeCount).toBe(1);
  });
});
