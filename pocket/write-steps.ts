/**
 * Writes steps with labels as JSON lines, for the training of the pocket judge: the answers to a problem
 * that mixtures of both models' greedy steps reach, and of each step of the small model whether it is
 * good (`stepLabel`). A step is not labelled where all mixtures end wrong, because nothing can be learned
 * there.
 *
 *   node --import tsx pocket/write-steps.ts --small pocket-small --count 3000 --seed 5 > steps.jsonl
 */
import { Command } from 'commander';
import { ensureModel } from '../src/catalog/ensure-model.ts';
import { required } from '../src/core/invariant.ts';
import type { TokenId } from '../src/core/token-id.ts';
import { Engine } from '../src/engine/engine.ts';
import type { PocketSplit } from '../src/evaluation/tasks/pocket/problem.ts';
import { POCKET } from '../src/evaluation/tasks/pocket-task.ts';
import { type LlamaCppModel, loadModel } from '../src/model/llama-cpp/model.ts';
import { runJobs } from '../src/training/rollouts/run-jobs.ts';
import { growTree } from '../src/training/steps/grow-tree.ts';
import {
  bestValue,
  type StepEdge,
  type StepTree,
  stateOf,
  stepLabel,
} from '../src/training/steps/step-tree.ts';
import { TrainingPair } from '../src/training/training-pair.ts';

interface Settings {
  readonly small: string;
  readonly count: string;
  readonly seed: string;
  readonly split: PocketSplit;
}

/** The text of a step, and its label: 1 good, 0 harmful, null unknown. */
type LabelledStep = readonly [text: string, label: number | null];

const SIDE_BY_SIDE = 16;
const CHUNK = 50;
const LIMITS = { separators: ['\n\n'], maxTokens: 200, stateCountMax: 64 };

const { small, count, seed, split } = new Command()
  .option('--small <NAME>', 'pocket-small or pocket-small-strong', 'pocket-small')
  .option('--count <N>', 'how many problems', '3000')
  .option('--seed <N>', 'chooses the problems', '5')
  .option('--split <NAME>', 'train, or test for those that tell how good it is', 'train')
  .parse()
  .opts<Settings>();

async function open(name: string): Promise<LlamaCppModel> {
  const { path } = await ensureModel(name);
  return await loadModel(path, { name, threadCount: 1, cellCount: 8192, sequenceCountMax: 48 });
}

/** Every answer that ends in a leaf of the tree. */
function pathsOf(tree: StepTree, textOf: (edge: StepEdge) => string): LabelledStep[][] {
  const from = (at: number, before: readonly LabelledStep[]): LabelledStep[][] => {
    const { value, small, large } = stateOf(tree, at);
    if (value !== null) return [[...before]];
    const label = bestValue(tree, at) === 1 ? stepLabel(tree, at) : null;
    const next = (edge: StepEdge, judged: number | null): LabelledStep[][] =>
      from(edge.to, [...before, [textOf(edge), judged]]);
    const ofSmall = small === null ? [] : next(small, label);
    const ofLarge = large === null || large.to === small?.to ? [] : next(large, null);
    return [...ofSmall, ...ofLarge];
  };
  return from(0, []);
}

const models = { small: await open(small), large: await open('pocket-large') };
const pair = new TrainingPair(models);
await using engine = new Engine({ models });
const decoder = new TextDecoder();
const textOf = ({ tokens }: StepEdge): string =>
  decoder.decode(Buffer.concat(tokens.map((id: TokenId) => pair.tokenBytes(id))));

const questions = await POCKET.load({ split, seed: Number(seed), count: Number(count) });
for (let start = 0; start < questions.length; start += CHUNK) {
  const lines: string[] = [];
  const chunk = [...questions.slice(start, start + CHUNK).entries()];
  await runJobs(chunk, SIDE_BY_SIDE, async ([index, question], signal) => {
    const prompt = engine.promptTokens({ messages: question.messages });
    const tree = await growTree(question, prompt, { pair, ...LIMITS, signal });
    const { content } = required(question.messages[0], 'a problem has a question');
    lines[index] = JSON.stringify({ question: content, paths: pathsOf(tree, textOf) });
  });
  process.stdout.write(`${lines.join('\n')}\n`);
}
