import { expect, it } from 'vitest';
import { NOTHING_READ, type RowResult } from '../../core/row-program.ts';
import { tokenId } from '../../core/token-id.ts';
import { DrawnRows } from './drawn-rows.ts';

const row = (size: number): RowResult => {
  return { ...NOTHING_READ, tokenId: tokenId(1), distribution: new Float64Array(size) };
};

it('keeps as many bytes as it may, the newest rows first', () => {
  const rows = new DrawnRows(8 * 100 + 30);
  for (const node of [1, 2, 3]) rows.learn(node, 'key', row(40));
  expect([1, 2, 3].map((node) => rows.get(node, 'key') !== null)).toEqual([false, true, true]);
  rows.learn(4, 'key', row(1000));
  expect([2, 3, 4].map((node) => rows.get(node, 'key'))).toEqual([null, null, null]);
  rows.learn(5, 'key', row(90));
  expect(rows.get(5, 'key')).not.toBeNull();
});

it('forgets rows with their texts', () => {
  const rows = new DrawnRows();
  const { trie } = rows;
  rows.learn(1, 'key', row(1));
  rows.forget();
  expect([rows.get(1, 'key'), rows.trie === trie]).toEqual([null, false]);
});
