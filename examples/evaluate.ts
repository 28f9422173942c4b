import { evaluate, writeReport } from 'pilotfish';

const { result, path } = await evaluate({
  pair: 'pocket',
  task: 'pocket',
  count: 8, // hundreds, for intervals that say something
  strategies: ['entropy', 'random'],
  shares: [0.2],
  seedCount: 1,
  folder: 'evaluations/pocket',
});

for (const { strategy, accuracy, largeShare, weightTrafficRatio } of result.results) {
  console.log(strategy, { accuracy, largeShare, weightTrafficRatio });
}
const { page } = await writeReport({ paths: [path] });
console.log(page);
