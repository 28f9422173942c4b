/** How a head is trained, a router as well as a reward. */
import type { TrainRewardOptions } from '../../app/heads/reward-settings.ts';
import { count, type FlagTable, number } from './flags.ts';
import type { NumberRange } from './parse-number.ts';

const RATE: NumberRange = {
  holds: (value) => value > 0 && value <= 1,
  says: 'a number above 0, at most 1',
};
const EPOCH_COUNT_MAX = 100_000;
const WIDTH_MAX = 65_536;
const DRAW_COUNT_MAX = 64;
/** For counts that have no limit of their own. */
const COUNT_MAX = 10_000_000;

type FitFields = Pick<
  NonNullable<TrainRewardOptions['fit']>,
  'rate' | 'epochCountMax' | 'patience'
>;

export const FIT_FLAGS: FlagTable<FitFields> = {
  rate: number('--rate <RATE>', 'step size of the optimiser', RATE),
  epochCountMax: count('--epochs <N>', 'epochs at most', EPOCH_COUNT_MAX),
  patience: count(
    '--patience <N>',
    'epochs without progress that end the training',
    EPOCH_COUNT_MAX,
  ),
};

export const SEED_FLAGS: FlagTable<Pick<TrainRewardOptions, 'seed'>> = {
  seed: count('--seed <N>', 'the seed of all randomness (default: 1)', COUNT_MAX),
};

export function widthFlags(unlessGiven: number): FlagTable<Pick<TrainRewardOptions, 'width'>> {
  return {
    width: count('--width <N>', `units of the hidden layer (default: ${unlessGiven})`, WIDTH_MAX),
  };
}

/** @param of what is rolled out */
export function rolloutFlags(
  of: string,
  note: string,
): FlagTable<Pick<TrainRewardOptions, 'drawCount' | 'rolloutCountMax'>> {
  return {
    drawCount: count(
      '--rollouts <N>',
      `rollouts of each ${of}; more than one are drawn${note} (default: 1, greedy)`,
      DRAW_COUNT_MAX,
    ),
    rolloutCountMax: count('--rollout-cap <N>', 'the most rollouts', COUNT_MAX),
  };
}
