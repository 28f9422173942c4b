import { expect, it } from 'vitest';
import { tokenIds } from '../../core/token-id.ts';
import { SHARED_LENGTH_MIN, sharedPrefix } from './shared-prefix.ts';

const PROMPT = tokenIds(Array.from({ length: SHARED_LENGTH_MIN + 8 }, (_, at) => (at * 3) % 4));

it('is what all prompts begin with', () => {
  const parting = [...PROMPT.slice(0, 35), ...tokenIds([4])];
  expect(sharedPrefix([PROMPT, parting, PROMPT])).toEqual(PROMPT.slice(0, 35));
  expect(sharedPrefix([PROMPT, PROMPT])).toEqual(PROMPT);
});

it('is nothing where it is short, and of one prompt or none', () => {
  const short = PROMPT.slice(0, SHARED_LENGTH_MIN - 1);
  expect(sharedPrefix([short, PROMPT])).toEqual([]);
  expect(sharedPrefix([PROMPT])).toEqual([]);
  expect(sharedPrefix([])).toEqual([]);
});

it('of 200,000 prompts needs no stack of that depth', () => {
  expect(sharedPrefix(Array(200_000).fill(PROMPT))).toEqual(PROMPT);
});
