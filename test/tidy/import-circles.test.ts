import { expect, it } from 'vitest';
import { importCircles } from './import-circles.ts';

function graphOf(edges: Readonly<Record<string, string>>): Map<string, string[]> {
  return new Map(Object.entries(edges).map(([file, imports]) => [file, [...imports]]));
}

it('finds no circle in a tree whose branches meet again', () => {
  expect(importCircles(graphOf({ a: 'bc', b: 'd', c: 'd', d: '' }))).toEqual([]);
});

it('finds a file that imports itself', () => {
  expect(importCircles(graphOf({ a: 'ab', b: '' }))).toEqual([['a']]);
});

it('finds each circle once, with all of its files and no other', () => {
  const graph = graphOf({ a: 'b', b: 'c', c: 'ad', d: 'e', e: 'f', f: 'e', g: 'a' });
  expect(importCircles(graph)).toEqual([
    ['e', 'f'],
    ['a', 'b', 'c'],
  ]);
});

it('finds a circle behind a finished file', () => {
  expect(importCircles(graphOf({ a: '', b: 'ca', c: 'b' }))).toEqual([['b', 'c']]);
});
