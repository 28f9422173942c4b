/**
 * How well judges tell good steps from harmful ones, on the trees of steps of pocket problems, and what
 * RSD would make of their rewards at every threshold, replayed on the trees.
 *
 *   npm run --silent bench:judges -- [--small NAME] [--judge PATH] [--split NAME] [--problems N] [--json]
 */
import { Command } from 'commander';
import { ensureModel } from '../src/catalog/ensure-model.ts';
import type { ChatMessage } from '../src/core/chat-message.ts';
import { required } from '../src/core/invariant.ts';
import { Engine } from '../src/engine/engine.ts';
import { ModelSet } from '../src/engine/model-set.ts';
import { POCKET } from '../src/evaluation/tasks/pocket-task.ts';
import { DIGITS, PLUS_OR_MINUS, tagged, turns, YES_OR_NO } from '../src/judging/judge-prompt.ts';
import { AskedJudge, type JudgeSettings } from '../src/judging/judge-reward.ts';
import { type LlamaCppModel, loadModel } from '../src/model/llama-cpp/model.ts';
import { auc } from '../src/network/auc.ts';
import { soleSession } from '../src/session/sole-session.ts';
import { runJobs } from '../src/training/rollouts/run-jobs.ts';
import { growTree } from '../src/training/steps/grow-tree.ts';
import type { answersOf } from '../src/training/steps/read-steps.ts';
import {
  bestValue,
  largeValue,
  type StepTree,
  stateOf,
  stepLabel,
  walk,
} from '../src/training/steps/step-tree.ts';
import { TrainingPair } from '../src/training/training-pair.ts';

interface Settings {
  readonly small: string;
  readonly judge: string;
  readonly split: string;
  readonly problems: string;
  readonly seed: string;
  readonly states: string;
  readonly only?: string;
  readonly json?: boolean;
}

const settings = new Command()
  .option('--small <NAME>', 'pocket-small or pocket-small-strong', 'pocket-small-strong')
  .option('--judge <MODEL>', 'the process reward model', 'pocket-judge')
  .option('--split <NAME>', 'train to choose a threshold, test to judge it', 'test')
  .option('--problems <N>', 'problems to grow trees for', '200')
  .option('--seed <N>', 'chooses the problems', '77')
  .option('--states <N>', "states of a tree with a small model's step", '64')
  .option('--only <NAME>', 'one of the judges, as rsd-prm')
  .option('--json', 'print results as JSON')
  .parse()
  .opts<Settings>();

const SIDE_BY_SIDE = 8;
const DELTAS = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98];
const LIMITS = { separators: ['\n\n'], maxTokens: 200, stateCountMax: Number(settings.states) };

interface Grown {
  readonly messages: readonly ChatMessage[];
  readonly tree: StepTree;
  /** [state] the reward of its small step by each judge; null without one. */
  readonly rewards: readonly (readonly number[] | null)[];
}

async function open(name: string): Promise<LlamaCppModel> {
  const { path } = await ensureModel(name);
  return await loadModel(path, { name, threadCount: 1, cellCount: 16_384, sequenceCountMax: 48 });
}

const [small, large, prm] = [
  await open(settings.small),
  await open('pocket-large'),
  await open(settings.judge),
];
const pair = new TrainingPair({ small, large });
const judges = new ModelSet({ large, judge: large, reward: prm });
await using engine = new Engine({ models: { small, large } });

const ALL: readonly JudgeSettings[] = [
  { name: 'rsd-judge', label: 'judge', layout: turns, scales: [YES_OR_NO, PLUS_OR_MINUS] },
  { name: 'specreason', label: 'judge', layout: turns, scales: [DIGITS] },
  { name: 'rsd-prm', label: 'reward', layout: tagged, scales: [PLUS_OR_MINUS] },
];
const KINDS = ALL.filter(({ name }) => name === (settings.only ?? name));
const asked = KINDS.map((kind) => new AskedJudge(kind, judges.tokenizerOf(kind.label)));

/** The texts of the steps up to each state. */
function stepsOf(tree: StepTree): readonly (readonly string[])[] {
  const texts: (readonly string[])[] = [[]];
  for (const at of tree.keys()) {
    const before = required(texts[at], 'steps lead to later states');
    const { small: ofSmall, large: ofLarge } = stateOf(tree, at);
    for (const edge of [ofSmall, ofLarge]) {
      if (edge !== null) texts[edge.to] ??= [...before, textOf(edge.tokens)];
    }
  }
  return texts;
}

function textOf(tokens: ReturnType<typeof answersOf>[number]): string {
  return Buffer.concat(tokens.map((id) => pair.tokenBytes(id))).toString('utf8');
}

async function judgedTree(
  tree: StepTree,
  messages: readonly ChatMessage[],
): Promise<Grown['rewards']> {
  const texts = stepsOf(tree);
  const sessions = KINDS.map(({ label }) =>
    soleSession(label === 'reward' ? prm : large, { promptLength: 1 }),
  );
  const rewards: (readonly number[] | null)[] = [];
  for (const [at, { small: edge }] of tree.entries()) {
    if (edge === null) {
      rewards.push(null);
      continue;
    }
    const before = required(texts[at], 'a state has steps before it');
    const steps = [...before, textOf(edge.tokens)];
    const all = asked.map((judge, kind) =>
      judge.reward(required(sessions[kind], 'a session of each judge'), messages, steps),
    );
    rewards.push(await Promise.all(all));
  }
  await Promise.all(sessions.map((session) => session[Symbol.asyncDispose]()));
  return rewards;
}

const questions = await POCKET.load({
  ...{ split: settings.split, seed: Number(settings.seed), count: Number(settings.problems) },
});
const grown: Grown[] = [];
await runJobs([...questions.entries()], SIDE_BY_SIDE, async ([index, question], signal) => {
  const { messages } = question;
  const tree = await growTree(question, engine.promptTokens({ messages }), {
    ...{ pair, ...LIMITS, signal },
  });
  grown[index] = { messages, tree, rewards: await judgedTree(tree, messages) };
});

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The steps at states that can still be solved; of those that differ, if asked. */
function aucOf(kind: number, onlyDiffering: boolean): number | null {
  const rows = grown.flatMap(({ tree, rewards }) =>
    tree.flatMap((state, at) => {
      const [label, reward] = [stepLabel(tree, at), rewards[at]?.[kind]];
      if (label === null || reward === undefined || bestValue(tree, at) !== 1) return [];
      return onlyDiffering && state.small?.to === state.large?.to ? [] : [{ label, reward }];
    }),
  );
  const values = (pick: (row: { label: number; reward: number }) => number): Float32Array =>
    Float32Array.from(rows, pick);
  return auc(
    values(({ reward }) => reward),
    values(({ label }) => label),
    values(() => 1),
  );
}

function replayed(kind: number, delta: number): Record<string, number> {
  let [stepCount, rejectedCount] = [0, 0];
  const right = grown.map(({ tree, rewards }) => {
    const { kept, value } = walk(tree, (at) => (rewards[at]?.[kind] ?? 0) >= delta);
    stepCount += kept.length;
    rejectedCount += kept.filter((isKept) => !isKept).length;
    return value;
  });
  return { delta, accuracy: mean(right), rejectedShare: rejectedCount / stepCount };
}

const report = {
  levels: {
    small: mean(grown.map(({ tree }) => walk(tree, () => true).value)),
    large: mean(grown.map(({ tree }) => largeValue(tree, 0))),
    best: mean(grown.map(({ tree }) => bestValue(tree, 0))),
    statesPerProblem: mean(grown.map(({ tree }) => tree.length)),
  },
  judges: KINDS.map(({ name }, kind) => ({
    ...{ name, auc: aucOf(kind, false), aucOfDiffering: aucOf(kind, true) },
    replays: DELTAS.map((delta) => replayed(kind, delta)),
  })),
};
process.stdout.write(`${JSON.stringify(report, null, settings.json === true ? 0 : 1)}\n`);
await prm[Symbol.asyncDispose]();
