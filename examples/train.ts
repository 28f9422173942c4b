import { train } from 'pilotfish';

const { path, router, solvedCount, questionCount } = await train({
  pair: 'pocket',
  task: 'pocket',
  count: 8, // hundreds make a router that is worth its name
  maxTokens: 96,
  objective: 'citer-s', // the default, `citer`, tries tokens out to the ends of answers
  folder: 'training/pocket',
  onRound: ({ round, tokenCount, auc }) => console.log({ round, tokenCount, auc }),
});

console.log(`The large model solved ${solvedCount} of ${questionCount} questions.`);
console.log(
  `${router.strategy} for ${router.pair.small.name} and ${router.pair.large.name}: ${path}`,
);
