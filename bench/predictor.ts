/**
 * Measures the accuracy of the predictor: strategies run on a few prompts, and their times are compared
 * with the predictions of a profile that the same process measured. It needs a machine without other
 * work. `computeMs`, which the forwards report themselves, is the cross-check.
 *
 *   npm run --silent bench:predictor -- [--threads 2,1] [--tokens N] [--repeats N] [--small M]
 *     [--large M] [--quick] [--processor-time] [--json]
 */
import { Command } from 'commander';
import { type LoggedWork, parseRunLog } from '../src/accounting/run-log.ts';
import { ensureModel } from '../src/catalog/ensure-model.ts';
import { DEFAULT_PAIR } from '../src/catalog/known-pairs.ts';
import { systemClock } from '../src/core/clock.ts';
import type { EngineEvent } from '../src/core/events.ts';
import { invariant, required } from '../src/core/invariant.ts';
import type { ModelRole } from '../src/core/model-id.ts';
import { Engine } from '../src/engine/engine.ts';
import type { ForwardCosts } from '../src/machines/forward-costs.ts';
import type { MeasuredModel } from '../src/machines/machine-profile.ts';
import {
  FULL_PLAN,
  type MeasurableModel,
  measureModel,
  QUICK_PLAN,
} from '../src/machines/measure-model.ts';
import { measuredCosts } from '../src/machines/measured-costs.ts';
import { predictRun } from '../src/machines/predict-run.ts';
import { loadModel } from '../src/model/llama-cpp/model.ts';
import { readsLogits } from '../src/strategy/method.ts';
import { methodNamed } from '../src/strategy/strategy-value.ts';
import { Pace, type Paces } from './pace.ts';
import { inProcessorTime, processorClock } from './processor-time.ts';

const STRATEGIES_RUN = ['small', 'large', 'entropy', 'margin', 'random@0.3', 'speculative'];
const PROMPTS = [
  'Natalia sold 48 clips in April and half as many in May. How many in all?',
  'Write a function that merges two sorted lists, and explain how it works.',
  'Why do leaves change their colour in autumn? Answer for a child.',
];
/** A forced length, so that drafting and verifying are predicted, too, where they do not pay. */
const DRAFT_LENGTH = 3;
const CONTEXT_LENGTH = 1024;

interface Settings {
  readonly threads: string;
  readonly tokens: string;
  readonly repeats: string;
  readonly small: string;
  readonly large: string;
  readonly quick?: boolean;
  readonly processorTime?: boolean;
  readonly json?: boolean;
}

/** Sums over the prompts, with the fastest repeat of each. */
interface Result {
  readonly threadCount: number;
  readonly strategy: string;
  readonly predictedMs: number;
  readonly measuredMs: number;
  /** (predicted - measured) / measured. */
  readonly error: number;
  /** The same, with every model's predicted time at the current pace: see pace.ts. */
  readonly pacedError: number;
  /**
   * The same for the native part alone. Forwards of one shape count with their lower quartile each, so
   * that other work on the machine does not decide it.
   */
  readonly computeError: number;
}

const settings = new Command()
  .option('--threads <LIST>', 'numbers of threads', '2,1')
  .option('--tokens <N>', 'tokens per answer', '48')
  .option('--repeats <N>', 'runs per prompt and strategy; the fastest counts', '2')
  .option('--small <MODEL>', 'small model', DEFAULT_PAIR.small)
  .option('--large <MODEL>', 'large model', DEFAULT_PAIR.large)
  .option('--quick', 'predict from a quick profile')
  .option('--processor-time', 'count processor time: one thread on a busy machine')
  .option('--json', 'print results as JSON')
  .parse()
  .opts<Settings>();

const clock = settings.processorTime === true ? processorClock : systemClock;
const results: Result[] = [];
for (const threadCount of settings.threads.split(',').map(Number)) {
  await benchWith(threadCount);
}
if (settings.json === true) process.stdout.write(`${JSON.stringify({ results })}\n`);
else process.stdout.write(table(results));

async function benchWith(threadCount: number): Promise<void> {
  const models = {
    small: await load('small', threadCount),
    large: await load('large', threadCount),
  };
  const profile = { small: await measure(models.small), large: await measure(models.large) };
  const costs = { small: measuredCosts(profile.small), large: measuredCosts(profile.large) };
  await using engine = new Engine({
    models,
    clock,
    speculative: { proposer: 'small', draftLength: DRAFT_LENGTH },
  });
  const paces = {
    small: await Pace.open(models.small, profile.small),
    large: await Pace.open(models.large, profile.large),
  };
  for (const strategy of STRATEGIES_RUN) {
    const result = { threadCount, strategy, ...(await compare(engine, strategy, costs, paces)) };
    results.push(result);
    process.stderr.write(`${JSON.stringify(result)}\n`);
  }
}

async function load(role: ModelRole, threadCount: number): Promise<MeasurableModel> {
  const { path } = await ensureModel(settings[role]);
  const name = settings[role];
  const model = await loadModel(path, { name, contextLength: CONTEXT_LENGTH, threadCount });
  return settings.processorTime === true ? inProcessorTime(model) : model;
}

async function measure(model: MeasurableModel): Promise<MeasuredModel> {
  const plan = settings.quick === true ? QUICK_PLAN : FULL_PLAN;
  const measured = await measureModel(model, plan, { clock });
  const { name } = model.facts;
  process.stderr.write(`${name}: spread ${measured.spread.toFixed(2)}\n`);
  return measured;
}

type Costs = Readonly<Record<ModelRole, ForwardCosts>>;
type Sums = Omit<Result, 'threadCount' | 'strategy'>;

async function compare(
  engine: Engine,
  strategy: string,
  costs: Costs,
  paces: Paces,
): Promise<Sums> {
  const total = { predicted: 0, paced: 0, measured: 0, forwards: 0 };
  const works: LoggedWork[] = [];
  for (const content of PROMPTS) {
    const runs = [];
    for (let repeat = 0; repeat < Number(settings.repeats); repeat += 1) {
      runs.push(await runOnce(engine, strategy, content, costs, paces));
    }
    const fastest = runs.reduce((a, b) => (b.measured < a.measured ? b : a));
    total.predicted += fastest.predicted;
    total.paced += fastest.paced;
    total.measured += fastest.measured;
    total.forwards += fastest.forwards;
    works.push(...fastest.works);
  }
  const computed = calmComputeMs(works);
  return {
    predictedMs: total.predicted,
    measuredMs: total.measured,
    error: (total.predicted - total.measured) / total.measured,
    pacedError: (total.paced - total.measured) / total.measured,
    computeError: (total.forwards - computed) / computed,
  };
}

interface Run {
  readonly predicted: number;
  readonly paced: number;
  readonly measured: number;
  readonly works: readonly LoggedWork[];
  /** The predicted time without overhead. */
  readonly forwards: number;
}

function calmComputeMs(works: readonly LoggedWork[]): number {
  const groups = new Map<string, number[]>();
  for (const { model, purpose, rowCounts, outputRowCount, computeMs } of works) {
    const key = [model, purpose, rowCounts, outputRowCount].join(' ');
    groups.set(key, [...(groups.get(key) ?? []), computeMs]);
  }
  return [...groups.values()].reduce((sum, times) => {
    const sorted = times.sort((a, b) => a - b);
    return sum + times.length * (sorted[Math.floor(times.length / 4)] ?? 0);
  }, 0);
}

async function runOnce(
  engine: Engine,
  strategy: string,
  content: string,
  costs: Costs,
  paces: Paces,
): Promise<Run> {
  const before = await paceOf(paces);
  const events: EngineEvent[] = [];
  const messages = [{ role: 'user' as const, content }];
  const maxTokens = Number(settings.tokens);
  for await (const event of engine.generate({
    messages,
    strategy,
    maxTokens,
    reusePrefix: false,
  })) {
    events.push(event);
  }
  // The same path as `bench recost`: through the lines of a log.
  const log = parseRunLog(events.map((event) => JSON.stringify(event)).join('\n'));
  const [run] = log.runs;
  invariant(run !== undefined && run.summary !== null, 'the run was recorded whole');
  const method = required(methodNamed(run.start.strategy), 'a method ran');
  const { small, large } = run.start.labels;
  const byId = [
    [required(small, 'it is a pair'), costs.small],
    [required(large, 'it is a pair'), costs.large],
  ] as const;
  const predicted = predictRun(run, new Map(byId), { readsLogits: readsLogits(method) });
  const after = await paceOf(paces);
  const paced = predicted.parts.reduce((sum, { model, ms }) => {
    const role = model === small ? 'small' : 'large';
    return sum + (ms * (before[role] + after[role])) / 2;
  }, 0);
  const forwardCount = predicted.parts.reduce((sum, part) => sum + part.forwardCount, 0);
  return {
    predicted: predicted.ms,
    paced,
    measured: run.summary.elapsedMs,
    works: run.events.filter((event) => event.type === 'work'),
    forwards: predicted.ms - forwardCount * costs.small.overheadMs,
  };
}

async function paceOf({ small, large }: Paces): Promise<Readonly<Record<ModelRole, number>>> {
  return { small: await small.now(), large: await large.now() };
}

function table(rows: readonly Result[]): string {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const lines = rows.map(
    ({ threadCount, strategy, predictedMs, measuredMs, error, pacedError, computeError }) =>
      `| ${threadCount} | ${strategy} | ${(predictedMs / 1000).toFixed(2)} s | ` +
      `${(measuredMs / 1000).toFixed(2)} s | ${percent(error)} | ${percent(pacedError)} | ` +
      `${percent(computeError)} |`,
  );
  const head =
    '| threads | strategy | predicted | measured | error | at its pace | error of forwards |';
  return `${head}\n|---|---|---|---|---|---|---|\n${lines.join('\n')}\n`;
}
