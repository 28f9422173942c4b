import { describe, expect, it } from 'vitest';
import { tokenIds } from '../../core/token-id.ts';
import { answersOf } from './read-steps.ts';
import { bestValue, largeValue, type StepTree, stepLabel, walk } from './step-tree.ts';

const edge = (to: number, ...tokens: number[]) => ({ tokens: tokenIds(tokens), to });
const whole = (value: number) => ({ value, small: null, large: null });

/**
 * 0 goes to 1 by the small model and to 2 by the large one. After 1 all is lost. After 2 both models
 * write the same right step.
 */
const HARM: StepTree = [
  { value: null, small: edge(1, 5), large: edge(2, 6) },
  { value: null, small: edge(3, 7), large: edge(4, 8) },
  { value: null, small: edge(5, 9), large: edge(5, 9) },
  ...[0, 0, 1].map(whole),
];

/** The large model fails by its own step and ends right after the small model's. */
const HELP: StepTree = [
  { value: null, small: edge(1, 5), large: edge(2, 6) },
  { value: null, small: null, large: edge(3, 7) },
  ...[0, 1].map(whole),
];

describe('a tree of steps', () => {
  it('knows what the large model makes of a state, and the best that any mixture makes', () => {
    expect([0, 1, 2, 3, 5].map((state) => largeValue(HARM, state))).toEqual([1, 0, 1, 0, 1]);
    expect([0, 1, 2].map((state) => bestValue(HARM, state))).toEqual([1, 0, 1]);
    expect([largeValue(HELP, 0), bestValue(HELP, 0)]).toEqual([0, 1]);
  });

  it('labels a step by the harm that it does, and no step where nothing can be lost', () => {
    // After state 1 the large model fails as well, so the small model does no harm there.
    expect([0, 1, 2].map((state) => stepLabel(HARM, state))).toEqual([0, 1, 1]);
    expect([0, 1, 2].map((state) => stepLabel(HELP, state))).toEqual([1, null, null]);
  });

  it('has labels by the value of the next state, and soft ones', () => {
    expect([0, 1, 2].map((state) => stepLabel(HARM, state, 'value'))).toEqual([0, 0, 1]);
    const valueAt = (state: number) => (state === 1 ? 0.25 : 0.75);
    expect(stepLabel(HARM, 0, 'advantage', valueAt)).toBe(0.5);
    expect(stepLabel(HARM, 0, 'value', valueAt)).toBe(0.25);
    expect(stepLabel(HARM, 2, 'advantage', () => 0)).toBe(1);
  });

  it('is walked by any rule', () => {
    expect(walk(HARM, () => true)).toMatchObject({ states: [0, 1], kept: [true, true], value: 0 });
    expect(walk(HARM, () => false)).toMatchObject({
      states: [0, 2],
      kept: [false, false],
      value: 1,
    });
    expect(walk(HARM, (state) => state !== 0).value).toBe(1);
    // Past the limit of a tree only the large model's step is known.
    expect(walk(HELP, () => true)).toMatchObject({ states: [0, 1], kept: [true, false], value: 1 });
  });

  it('has an answer up to each state', () => {
    expect(answersOf(HARM)).toEqual([[], [5], [6], [5, 7], [5, 8], [6, 9]]);
  });
});
