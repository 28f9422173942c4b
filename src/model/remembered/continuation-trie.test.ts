import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokenId } from '../../core/token-id.ts';
import { ContinuationTrie, type KnownRow, type NodeId, ROOT } from './continuation-trie.ts';

const ROW: fc.Arbitrary<KnownRow> = fc.record({
  tokenId: fc.nat(9).map(tokenId),
  logprob: fc.double({ min: -50, max: 0, noNaN: true }).map((value) => value + 0),
  entropy: fc.double({ min: 0, max: 12, noNaN: true }),
  margin: fc.double({ min: 0, max: 1, noNaN: true }),
});

/** A step from any existing node, a row or features for a node, or a flush. */
type Move =
  | { readonly kind: 'step'; readonly at: number; readonly token: number }
  | { readonly kind: 'learn'; readonly at: number; readonly row: KnownRow }
  | { readonly kind: 'feature'; readonly at: number; readonly features: Features }
  | { readonly kind: 'take' };

type Features = Parameters<ContinuationTrie['learnFeatures']>[1];

const NUMBERS = fc.double({ min: -200, max: 200, noNaN: true });
const FEATURES: fc.Arbitrary<Features> = fc.record({
  hidden: fc.option(fc.array(NUMBERS, { minLength: 3, maxLength: 3 }).map(floats)),
  topLogprobs: fc.option(fc.array(NUMBERS, { minLength: 1, maxLength: 5 }).map(floats)),
});

function floats(numbers: readonly number[]): Float32Array {
  return Float32Array.from(numbers);
}

const MOVE: fc.Arbitrary<Move> = fc.oneof(
  { weight: 5, arbitrary: step() },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('learn'), at: fc.nat(), row: ROW }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('feature'), at: fc.nat(), features: FEATURES }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'take' } as const) },
);

function step(): fc.Arbitrary<Move> {
  return fc.record({ kind: fc.constant('step'), at: fc.nat(), token: fc.nat(3) });
}

/** @returns the tree, and its entries as a file holds them */
function walk(moves: readonly Move[]): {
  readonly trie: ContinuationTrie;
  readonly lines: readonly string[];
} {
  const trie = new ContinuationTrie();
  const lines: string[] = [];
  const take = () => lines.push(...trie.takeFresh().map((entry) => JSON.stringify(entry)));
  for (const move of moves) {
    if (move.kind === 'take') take();
    else if (move.kind === 'step') trie.step(move.at % trie.nodeCount, tokenId(move.token));
    else if (trie.nodeCount > 1) {
      const node = 1 + (move.at % (trie.nodeCount - 1));
      if (move.kind === 'learn') trie.learn(node, move.row);
      else if (trie.row(node) !== null) trie.learnFeatures(node, move.features);
    }
  }
  take();
  return { trie, lines };
}

function replayed(lines: readonly string[]): ContinuationTrie {
  const trie = new ContinuationTrie();
  for (const line of lines) expect(trie.replay(JSON.parse(line)), line).toBe(true);
  return trie;
}

/** Every node with its row and features, children in the order of their tokens. */
function shapeOf(trie: ContinuationTrie, lines: readonly string[]): unknown {
  const rows = Array.from({ length: trie.nodeCount }, (_, node) => {
    const lists = [1, 2, 3, 4, 5].map((count) => trie.features(node, { topLogprobs: count }));
    return [trie.row(node), trie.features(node, { hidden: true }), lists];
  });
  const edges = lines
    .map((line): readonly number[] => JSON.parse(line))
    .filter(({ length }) => length === 2 || length === 6)
    .map(([parent = 0, token = 0]) => [parent, token, trie.step(parent, tokenId(token))]);
  return { rows, edges };
}

describe('a tree of continuations', () => {
  it('is the same tree after its entries are replayed', () => {
    fc.assert(
      fc.property(fc.array(MOVE, { maxLength: 60 }), (moves) => {
        const { trie, lines } = walk(moves);
        const again = replayed(lines);
        const nodeCount = trie.nodeCount;
        expect(shapeOf(again, lines)).toEqual(shapeOf(trie, lines));
        // No entry was missing: repeating the steps makes no new node.
        expect([trie.nodeCount, again.nodeCount]).toEqual([nodeCount, nodeCount]);
        expect(again.takeFresh()).toEqual([]);
      }),
    );
  });

  it('yields every entry once, and a node with its row as one entry', () => {
    const trie = new ContinuationTrie();
    const [row, other] = fc.sample(ROW, { numRuns: 2, seed: 1 }) as [KnownRow, KnownRow];
    const node = trie.step(ROOT, tokenId(7));
    trie.learn(node, row);
    trie.learn(node, other);
    expect(trie.row(node)).toEqual(row);
    expect(trie.takeFresh()).toEqual([[0, 7, row.tokenId, row.logprob, row.entropy, row.margin]]);
    expect(trie.step(ROOT, tokenId(7))).toBe(node);
    expect(trie.takeFresh()).toEqual([]);
  });

  it('keeps paths through different tokens apart', () => {
    const trie = new ContinuationTrie();
    const nodes = new Set<NodeId>();
    for (const first of [0, 1, 2 ** 21 - 1]) {
      const node = trie.step(ROOT, tokenId(first));
      nodes.add(node);
      for (const second of [0, 1, 2 ** 21 - 1]) nodes.add(trie.step(node, tokenId(second)));
    }
    expect(nodes.size).toBe(12);
    expect(() => trie.step(ROOT, tokenId(2 ** 21))).toThrow('token');
  });

  it('replaces a list by a longer one, but keeps the first hidden state', () => {
    const trie = new ContinuationTrie();
    const [row] = fc.sample(ROW, 1) as [KnownRow];
    const node = trie.step(ROOT, tokenId(1));
    trie.learn(node, row);
    const learn = (hidden: number[] | null, top: number[] | null) =>
      trie.learnFeatures(node, {
        hidden: hidden === null ? null : floats(hidden),
        topLogprobs: top === null ? null : floats(top),
      });
    const wanted = { hidden: true, topLogprobs: 2 };
    expect(trie.hasFeatures(node, { hidden: true })).toBe(false);
    learn([1, 2], [-1, -2]);
    trie.takeFresh();
    learn([3, 4], [-3, -4]);
    expect(trie.takeFresh()).toEqual([]);
    expect(trie.features(node, wanted)).toEqual({
      hidden: floats([1, 2]),
      topLogprobs: floats([-1, -2]),
    });
    expect(trie.hasFeatures(node, wanted)).toBe(true);
    expect(trie.hasFeatures(node, { topLogprobs: 3 })).toBe(false);
    learn(null, [-3, -4, -5]);
    expect(trie.takeFresh()).toHaveLength(1);
    expect(trie.features(node, wanted).topLogprobs).toEqual(floats([-3, -4]));
    const bare = trie.step(node, tokenId(1));
    expect(trie.hasFeatures(bare, {})).toBe(false);
    expect(() => trie.learnFeatures(bare, { hidden: floats([1, 2]), topLogprobs: null })).toThrow();
    trie.learn(bare, row);
    expect(() => trie.learnFeatures(bare, { hidden: floats([1]), topLogprobs: null })).toThrow();
    expect(trie.hasFeatures(bare, {})).toBe(true);
  });

  it('has no row where none was learned, and refuses one at its root', () => {
    const trie = new ContinuationTrie();
    expect([trie.row(ROOT), trie.row(trie.step(ROOT, tokenId(1))), trie.row(99)]).toEqual([
      null,
      null,
      null,
    ]);
    const [row] = fc.sample(ROW, 1) as [KnownRow];
    expect(() => trie.learn(ROOT, row)).toThrow('in the tree');
    expect(() => trie.learn(2, row)).toThrow('in the tree');
  });

  it.each([
    ['nothing', []],
    ['a parent alone', [0]],
    ['a parent that is not there', [3, 1]],
    ['a parent below the root', [-1, 1]],
    ['half a parent', [0.5, 1]],
    ['a child that is there', [0, 4]],
    ['half a token', [0, 1.5]],
    ['a token below 0', [0, -1]],
    ['a token too large', [0, 2 ** 21]],
    ['half a row', [0, 5, 1]],
    ['a row too long', [0, 5, 1, -1, 1, 0.5, 0]],
    ['a row of the root', [0, 1, -1, 1, 0.5]],
    ['a second row', [1, 1, -1, 1, 0.5]],
    ['a tokenId that is no token', [0, 5, 1.5, -1, 1, 0.5]],
    ['what is no number', [0, 5, 1, null, 1, 0.5]],
    ['a feature it does not know', [2, 'other', 'AAAAAA==']],
    ['a feature without numbers', [2, 'hidden']],
    ['a feature of no numbers', [2, 'topLogprobs', '']],
    ['a feature and more', [2, 'hidden', 'AAAAAA==', 1]],
    ['a feature that is no text', [2, 'hidden', 7]],
    ['a feature of no node', ['2', 'hidden', 'AAAAAA==']],
    ['a feature of a node that is not there', [3, 'hidden', 'AAAAAA==']],
    ['a feature of a node without a row', [0, 'hidden', 'AAAAAA==']],
    ['half a number', [2, 'topLogprobs', 'AAAA']],
    ['what is no base64', [2, 'topLogprobs', 'AA A=']],
    ['another number of numbers', [2, 'hidden', 'AAAAAAAA']],
    ['fewer numbers', [2, 'hidden', 'AAA=']],
    ['a second hidden state', [1, 'hidden', 'AAAAAA==']],
    ['a list no longer than the one before', [1, 'topLogprobs', 'AAAAAA==']],
    ['a list too long', [1, 'topLogprobs', Buffer.alloc(130).toString('base64')]],
  ])('refuses %s', (_, entry) => {
    const trie = new ContinuationTrie();
    expect(trie.replay([0, 4, 3, -0.5, 0.7, 0.2])).toBe(true);
    expect(trie.replay([0, 6, 3, -0.5, 0.7, 0.2])).toBe(true);
    for (const name of ['hidden', 'topLogprobs']) {
      expect(trie.replay([1, name, 'AEAAQg=='])).toBe(true);
    }
    expect(trie.replay(entry)).toBe(false);
    expect(trie.nodeCount).toBe(3);
    expect(trie.features(1, { hidden: true, topLogprobs: 2 })).toEqual({
      hidden: Float32Array.of(2, 3),
      topLogprobs: Float32Array.of(2, 3),
    });
    expect(trie.features(2, { hidden: true }).hidden).toBeNull();
    expect(trie.row(1)).toEqual({ tokenId: 3, logprob: -0.5, entropy: 0.7, margin: 0.2 });
  });
});
