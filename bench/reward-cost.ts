/**
 * What a reward costs for each step, beside the writing of the step: the native time of the forwards
 * that it asks for, and for a trained head the time of its network. Native times are shares of batches
 * of one request that runs alone, so they are of use on a quiet machine only.
 *
 *   npm run --silent bench:reward-cost -- [--pair NAME] [--strategies LIST] [--head FILE...]
 *     [--problems N] [--json]
 */
import { Command } from 'commander';
import { readHead } from '../src/app/heads/find-heads.ts';
import { openEngine } from '../src/app/open-engine.ts';
import { POCKET } from '../src/evaluation/tasks/pocket-task.ts';
import { rewardFeatureSize } from '../src/judging/reward-features.ts';
import { type RewardHead, rewardOfRows, sizesOf } from '../src/judging/reward-head.ts';

interface Settings {
  readonly pair: string;
  readonly strategies: string;
  readonly head: readonly string[];
  readonly problems: string;
  readonly json?: boolean;
}

const settings = new Command()
  .option('--pair <NAME>', 'the pair', 'pocket-strong')
  .option(
    '--strategies <LIST>',
    'strategies that judge steps',
    'rsd-likelihood@0.9,rsd-large-likelihood@0.1',
  )
  .option('--head <FILE>', 'a reward head; repeatable', (file, all: string[]) => [...all, file], [])
  .option('--problems <N>', 'pocket problems', '40')
  .option('--json', 'print results as JSON')
  .parse()
  .opts<Settings>();

/** Scores per step whose time is measured together. */
const REPEATS = 200;

/** The time of a head's network for a step of this many tokens. */
function headMs(head: RewardHead, tokenCount: number): number {
  const scored = head.features.tokens === 'all' ? Math.max(1, Math.round(tokenCount) - 1) : 1;
  const size = rewardFeatureSize(head.features, sizesOf(head));
  const halves = Uint16Array.from({ length: scored * size }, (_, at) => 0x3000 + (at % 512));
  for (let warm = 0; warm < REPEATS; warm += 1) rewardOfRows(halves, head);
  const started = performance.now();
  for (let repeat = 0; repeat < REPEATS; repeat += 1) rewardOfRows(halves, head);
  return (performance.now() - started) / REPEATS;
}

const heads = new Map<string, { readonly file: string; readonly head: RewardHead }>();
for (const file of settings.head) {
  const read = await readHead(file);
  if (read.kind === 'reward') heads.set(read.head.strategy, { file, head: read.head });
}
const questions = await POCKET.load({ split: 'test', seed: 5, count: Number(settings.problems) });
const results: unknown[] = [];
for (const strategy of settings.strategies.split(',')) {
  const named = heads.get(strategy.replace(/@.*/, ''));
  await using engine = await openEngine({
    ...{ pair: settings.pair, strategies: [strategy], threadCount: 1, contextLength: 512 },
    headFiles: named === undefined ? [] : [named.file],
  });
  let [stepCount, tokenCount, draftMs, rewardMs] = [0, 0, 0, 0];
  for (const { messages } of questions) {
    for await (const event of engine.generate({ messages, strategy, maxTokens: 200 })) {
      if (event.type === 'summary') stepCount += event.stepCount ?? 0;
      if (event.type !== 'work') continue;
      if (event.purpose === 'draft') {
        draftMs += event.computeMs;
        tokenCount += event.outputRowCount;
      }
      if (event.purpose === 'reward') rewardMs += event.computeMs;
    }
  }
  const network = named === undefined ? 0 : headMs(named.head, tokenCount / stepCount);
  const draft = draftMs / stepCount;
  const reward = rewardMs / stepCount + network;
  results.push({
    ...{ strategy, stepCount, tokensPerStep: tokenCount / stepCount, draftMs: draft },
    ...{ rewardMs: reward, networkMs: network, ratio: reward / draft },
  });
}
process.stdout.write(
  `${JSON.stringify({ pair: settings.pair, results }, null, settings.json === true ? 0 : 1)}\n`,
);
