import { trainReward } from 'pilotfish';

const { path, reward, report } = await trainReward({
  pair: 'pocket',
  task: 'pocket',
  count: 8, // hundreds make a reward that is worth its name
  maxTokens: 96,
  stateCountMax: 8,
  answerCount: 1,
  folder: 'training/pocket-reward',
});

const { stepCount, harmfulShare } = report;
console.log(`${stepCount} steps, ${(100 * harmfulShare).toFixed(0)} % do harm.`);
console.log(
  `${reward.strategy} for ${reward.pair.small.name} and ${reward.pair.large.name}: ${path}`,
);
