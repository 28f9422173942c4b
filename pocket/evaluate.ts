/**
 * How many held-out problems a model answers rightly, greedy, by itself.
 *
 *   node --import tsx pocket/evaluate.ts pocket-large pocket-small ./another.gguf --count 1000
 */
import { Command } from 'commander';
import { ensureModel } from '../src/catalog/ensure-model.ts';
import { Engine } from '../src/engine/engine.ts';
import { isRight } from '../src/evaluation/tasks/pocket/answer.ts';
import { type PocketSplit, pocketProblem } from '../src/evaluation/tasks/pocket/problem.ts';
import { loadModel } from '../src/model/llama-cpp/model.ts';

/** Not the seed of the training problems, nor that of the tests. */
const SEED = 77;
const STREAM_COUNT = 8;
const ANSWER_TOKENS_MAX = 256;
const SPLITS: readonly PocketSplit[] = ['test', 'templates', 'numbers'];

interface Options {
  readonly count: string;
  readonly operations?: string;
  readonly splits: string;
}

async function rightCount(engine: Engine, split: PocketSplit, options: Options): Promise<number> {
  const [min, max] = (options.operations ?? '2-4').split('-').map(Number);
  const difficulty = { operationCountMin: min ?? 2, operationCountMax: max ?? min ?? 4 };
  let next = 0;
  let right = 0;
  const worker = async (): Promise<void> => {
    while (next < Number(options.count)) {
      const problem = pocketProblem({ split, seed: SEED, ...difficulty }, next);
      next += 1;
      const messages = [{ role: 'user' as const, content: problem.question }];
      const request = { messages, strategy: 'small', maxTokens: ANSWER_TOKENS_MAX };
      for await (const event of engine.generate(request)) {
        if (event.type === 'summary') right += Number(isRight(problem, event.text));
      }
    }
  };
  await Promise.all(Array.from({ length: STREAM_COUNT }, worker));
  return right;
}

async function run(names: readonly string[], options: Options): Promise<void> {
  for (const name of names) {
    const { path } = await ensureModel(name);
    const model = await loadModel(path, { name, threadCount: 1, cellCount: 4096 });
    await using engine = new Engine({ models: { small: model, large: null } });
    for (const split of SPLITS.filter((one) => options.splits.split(',').includes(one))) {
      const right = await rightCount(engine, split, options);
      process.stdout.write(`${name} ${split}: ${right} of ${options.count}\n`);
    }
  }
}

await new Command()
  .argument('<models...>', 'names, or paths of .gguf files')
  .option('--count <N>', 'problems of each split', '1000')
  .option('--splits <LIST>', 'of test, templates, numbers', SPLITS.join(','))
  .option('--operations <MIN-MAX>', 'of each problem', '2-4')
  .action(run)
  .parseAsync();
