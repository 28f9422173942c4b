import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokenId } from '../../core/token-id.ts';
import { ContinuationTrie, type KnownRow, type NodeId, ROOT } from './continuation-trie.ts';

const ROW: fc.Arbitrary<KnownRow> = fc.record({
  choice: fc.nat(9).map(tokenId),
  logprob: fc.double({ min: -50, max: 0, noNaN: true }).map((value) => value + 0),
  entropy: fc.double({ min: 0, max: 12, noNaN: true }),
  margin: fc.double({ min: 0, max: 1, noNaN: true }),
});

/** A step from any node made so far, a row for one, or a flush. */
type Move =
  | { readonly kind: 'step'; readonly at: number; readonly token: number }
  | { readonly kind: 'learn'; readonly at: number; readonly row: KnownRow }
  | { readonly kind: 'take' };

const MOVE: fc.Arbitrary<Move> = fc.oneof(
  { weight: 5, arbitrary: step() },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('learn'), at: fc.nat(), row: ROW }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'take' } as const) },
);

function step(): fc.Arbitrary<Move> {
  return fc.record({ kind: fc.constant('step'), at: fc.nat(), token: fc.nat(3) });
}

/** @returns the tree, and its entries as a file would have them */
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
    else if (trie.nodeCount > 1) trie.learn(1 + (move.at % (trie.nodeCount - 1)), move.row);
  }
  take();
  return { trie, lines };
}

function replayed(lines: readonly string[]): ContinuationTrie {
  const trie = new ContinuationTrie();
  for (const line of lines) expect(trie.replay(JSON.parse(line)), line).toBe(true);
  return trie;
}

/** Every node with its row, children in the order of their tokens. */
function shapeOf(trie: ContinuationTrie, lines: readonly string[]): unknown {
  const rows = Array.from({ length: trie.nodeCount }, (_, node) => trie.row(node));
  const edges = lines
    .map((line): readonly number[] => JSON.parse(line))
    .filter(({ length }) => length !== 5)
    .map(([parent = 0, token = 0]) => [parent, token, trie.step(parent, tokenId(token))]);
  return { rows, edges };
}

describe('a tree of continuations', () => {
  it('is the same tree after its entries were replayed', () => {
    fc.assert(
      fc.property(fc.array(MOVE, { maxLength: 60 }), (moves) => {
        const { trie, lines } = walk(moves);
        const again = replayed(lines);
        const nodeCount = trie.nodeCount;
        expect(shapeOf(again, lines)).toEqual(shapeOf(trie, lines));
        // No entry was missing: stepping along them made nothing new.
        expect([trie.nodeCount, again.nodeCount]).toEqual([nodeCount, nodeCount]);
        expect(again.takeFresh()).toEqual([]);
      }),
    );
  });

  it('gives every entry once, and a node with its row as one', () => {
    const trie = new ContinuationTrie();
    const [row, other] = fc.sample(ROW, { numRuns: 2, seed: 1 }) as [KnownRow, KnownRow];
    const node = trie.step(ROOT, tokenId(7));
    trie.learn(node, row);
    trie.learn(node, other);
    expect(trie.row(node)).toEqual(row);
    expect(trie.takeFresh()).toEqual([[0, 7, row.choice, row.logprob, row.entropy, row.margin]]);
    expect(trie.step(ROOT, tokenId(7))).toBe(node);
    expect(trie.takeFresh()).toEqual([]);
  });

  it('keeps apart what leads elsewhere', () => {
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

  it('has no row where nothing was learned, and none to learn at its root', () => {
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
    ['a parent that is not there', [2, 1]],
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
    ['a choice that is no token', [0, 5, 1.5, -1, 1, 0.5]],
    ['what is no number', [0, 5, 1, null, 1, 0.5] as number[]],
  ])('refuses %s', (_, entry) => {
    const trie = new ContinuationTrie();
    expect(trie.replay([0, 4, 3, -0.5, 0.7, 0.2])).toBe(true);
    expect(trie.replay(entry)).toBe(false);
    expect(trie.nodeCount).toBe(2);
    expect(trie.row(1)).toEqual({ choice: 3, logprob: -0.5, entropy: 0.7, margin: 0.2 });
  });
});
