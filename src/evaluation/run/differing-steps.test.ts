import { describe, expect, it } from 'vitest';
import { tinyReward } from '../../judging/fakes/tiny-reward.ts';
import { entropyMethod } from '../../strategy/entropy.ts';
import { randomStepMethod } from '../../strategy/random-step.ts';
import { RSD_HEAD_METHODS } from '../../strategy/rsd-heads.ts';
import { differingSteps } from './differing-steps.ts';

describe('methods of steps', () => {
  const METHODS = [
    ...RSD_HEAD_METHODS.filter(({ name }) => name === 'rsd'),
    ...[randomStepMethod, entropyMethod],
  ];
  const rewards = (separators: readonly string[]) =>
    new Map([['rsd', tinyReward({ strategy: 'rsd', separators })]]);

  it('are named where a head was trained on other steps than the others have', () => {
    expect(differingSteps(METHODS, { rewards: rewards(['\n']) })).toBe(
      'Steps do not end alike: those of rsd at ["\\n"]; those of random-step at ["\\n\\n"]. ' +
        'Give --steps to compare equal steps.',
    );
  });

  it('are not named where steps end alike', () => {
    expect(differingSteps(METHODS, { rewards: rewards(['\n\n']) })).toBe(null);
    const strategyOptions = { steps: { separators: ['. '] } };
    expect(differingSteps(METHODS, { rewards: rewards(['\n']), strategyOptions })).toBe(null);
    expect(differingSteps([entropyMethod], { rewards: new Map() })).toBe(null);
  });
});
