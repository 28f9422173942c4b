import { expect, it } from 'vitest';
import { tokenIds } from '../../core/token-id.ts';
import { SHARED_LENGTH_MIN, sharedPrefix } from './shared-prefix.ts';

const PROMPT = tokenIds(Array.from({ length: SHARED_LENGTH_MIN + 8 }, (_, at) => (at * 3) % 4));

it('the shared prefix is the longest common prefix of all prompts', () => {
  const parting = [...PROMPT.slice(0, 35), ...tokenIds([4])];
  expect(sharedPrefix([PROMPT, parting, PROMPT])).toEqual(PROMPT.slice(0, 35));
  expect(sharedPrefix([PROMPT, PROMPT])).toEqual(PROMPT);
});

it('the shared prefix is empty where it is short, and for one prompt or none', () => {
  const short = PROMPT.slice(0, SHARED_LENGTH_MIN - 1);
  expect(sharedPrefix([short, PROMPT])).toEqual([]);
  expect(sharedPrefix([PROMPT])).toEqual([]);
  expect(sharedPrefix([])).toEqual([]);
});

it('the shared prefix of 200,000 prompts needs no deep stack', () => {
  expect(sharedPrefix(Array(200_000).fill(PROMPT))).toEqual(PROMPT);
});
