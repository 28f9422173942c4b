/**
 * Writes problems of the pocket task as JSON lines, for training.
 *
 *   node --import tsx pocket/write-data.ts --count 200000 > problems.jsonl
 *   node --import tsx pocket/write-data.ts --count 1000 --split test --seed 9 > held-out.jsonl
 */
import { Command } from 'commander';
import { workedAnswer } from '../src/evaluation/tasks/pocket/answer.ts';
import { type PocketSplit, pocketProblem } from '../src/evaluation/tasks/pocket/problem.ts';

const { count, seed, split } = new Command()
  .option('--count <N>', 'how many', '200000')
  .option('--seed <N>', 'the seed', '1')
  .option('--split <NAME>', 'train, or test for those that tell when to stop', 'train')
  .parse()
  .opts<{ count: string; seed: string; split: PocketSplit }>();

/** For training also shorter and longer ones than the task asks for: models should not end at its edge. */
const DIFFICULTY = split === 'train' ? { operationCountMin: 1, operationCountMax: 5 } : {};
const CHUNK = 10_000;

for (let start = 0; start < Number(count); start += CHUNK) {
  const lines: string[] = [];
  for (let index = start; index < Math.min(start + CHUNK, Number(count)); index += 1) {
    const problem = pocketProblem({ split, seed: Number(seed), ...DIFFICULTY }, index);
    const { question, answer } = problem;
    lines.push(JSON.stringify({ question, worked: workedAnswer(problem), answer }));
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}
