/** `pilotfish train`: trains the heads that decide when the large model is brought in. */
import type { Command } from 'commander';
import type { CliDependencies } from '../cli-dependencies.ts';
import type { CliIo } from '../io.ts';
import { registerTrainReward } from './train/reward.ts';
import { registerTrainRouter } from './train/router.ts';

export function registerTrain(program: Command, io: CliIo, dependencies: CliDependencies): void {
  const train = program
    .command('train')
    .summary('train routers and rewards for a pair of models')
    .description('Trains the heads that decide when the large model is brought in.');
  registerTrainRouter(train, io, dependencies);
  registerTrainReward(train, io, dependencies);
}
