/**
 * What strategies gain over a large model on a server, question by question in turns: tokens per second,
 * and answers right. The small model runs here. A run can be stopped and goes on with the same --out.
 *
 *   npm run --silent bench:served -- --large vllm:http://HOST:PORT/MODEL --out FILE [options]
 */
import { join } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { openEngine } from '../src/app/open-engine.ts';
import { loadQuestions } from '../src/app/questions/load-questions.ts';
import { steadyLink } from '../src/channel/direction.ts';
import { openRelay } from '../src/channel/emulation/relay.ts';
import type { SummaryEvent } from '../src/core/events.ts';
import { required } from '../src/core/invariant.ts';
import type { Engine } from '../src/engine/engine.ts';
import { grade } from '../src/evaluation/graders/grade.ts';
import type { Question } from '../src/evaluation/question.ts';
import { STEP_STYLES } from '../src/strategy/step-boundary.ts';
import { MachineWatch } from './report/machine-watch.ts';
import { progress } from './report/report.ts';
import { ResumableLines } from './report/resumable-lines.ts';
import { publishServed } from './report/served-report.ts';
import { count } from './workload/options.ts';

export interface ServedOptions {
  readonly large: string;
  readonly largeAs: string;
  readonly data: string;
  readonly task: string;
  readonly slice?: string;
  readonly count: number;
  readonly tokens: number;
  readonly threads: number;
  readonly strategies: string;
  readonly run: number;
  readonly ahead: number;
  readonly roundTrip: number;
  readonly out: string;
  readonly minutes?: number;
  readonly json?: boolean;
}

export interface ServedLine {
  readonly id: string;
  readonly strategy: string;
  readonly tokenCount: number;
  readonly largeShare: number;
  /** Calls of the server; streams count once. */
  readonly callCount: number;
  /** The whole request, the reading of the prompt included. */
  readonly elapsedMs: number;
  readonly isRight: boolean;
  readonly text: string;
}

const lineSchema: z.ZodType<ServedLine> = z.object({
  ...{ id: z.string(), strategy: z.string(), tokenCount: z.int(), largeShare: z.number() },
  ...{ callCount: z.int(), elapsedMs: z.number(), isRight: z.boolean(), text: z.string() },
});

const DATA = join(import.meta.dirname, '../../shared/data');
/** No limit that a message here would notice. */
const RATE = 1e9;

const options = new Command()
  .requiredOption('--large <ADDRESS>', 'the server')
  .requiredOption('--out <FILE>', 'keep results in this file, and continue from its lines')
  .option('--large-as <MODEL>', 'the model that it has', 'qwen2.5-coder-1.5b-instruct')
  .option('--data <FOLDER>', 'the evaluation sets', DATA)
  .option('--task <NAME>', 'the questions', 'svamp')
  .option('--slice <NAME>', 'a fixed selection of them')
  .option('--count <N>', 'questions', count, 60)
  .option('--tokens <N>', 'tokens of an answer, at most', count, 256)
  .option('--threads <N>', 'threads of the small model', count, 1)
  .option('--strategies <LIST>', 'compared with large', 'small,citer@20%,margin')
  .option('--run <N>', 'as --uplink-run', count, 1)
  .option('--ahead <N>', 'as --uplink-ahead', Number, 0)
  .option('--round-trip <MS>', 'put the server so far away', Number, 0)
  .option('--minutes <N>', 'stop after this number of minutes', count)
  .option('--json', 'print results as JSON')
  .parse()
  .opts<ServedOptions>();

await measure();

async function measure(): Promise<void> {
  const { out, minutes = Number.POSITIVE_INFINITY } = options;
  const lines = await ResumableLines.open(out, settings(), (line) => lineSchema.parse(line));
  const { questions } = await loadQuestions({ ...options, dataFolder: options.data });
  const strategies = ['large', ...options.strategies.split(',')];
  await using relay = await relayed(options.large, options.roundTrip);
  await using engine = await open(relay.address, strategies);
  const ask = (question: Question, strategy: string): Promise<Answered> =>
    answer(engine, question, strategy);
  // Reads the examples of the prompt on both sides.
  for (const strategy of strategies) await ask(required(questions[0], 'a question'), strategy);
  const watch = new MachineWatch();
  const deadline = performance.now() + minutes * 60_000;
  const known = new Set(lines.all.map(keyOf));
  for (const [turn, question] of questions.entries()) {
    for (let place = 0; place < strategies.length; place += 1) {
      // The side that goes first changes from one question to the next.
      const strategy = required(strategies[(place + turn) % strategies.length], 'a strategy');
      const { id } = question;
      if (performance.now() > deadline || known.has(keyOf({ id, strategy }))) continue;
      const line = { id, strategy, ...(await ask(question, strategy)) };
      await lines.add(line);
      progress(described(line, turn + 1, questions.length));
    }
  }
  publishServed(options, lines.all, watch);
}

/** Another run with these may go on: it may have more questions and strategies, and another address. */
function settings(): Readonly<Record<string, unknown>> {
  const { largeAs, task, slice = null, tokens, threads, run, ahead, roundTrip } = options;
  return { largeAs, task, slice, tokens, threads, run, ahead, roundTrip };
}

async function open(large: string, strategies: readonly string[]): Promise<Engine> {
  const { largeAs, threads, run, ahead } = options;
  return await openEngine({
    ...{ strategies, large, server: { as: largeAs }, threadCount: threads },
    speculative: { proposer: 'small' },
    uplink: { run, ahead },
    steps: { separators: STEP_STYLES.sentence },
  });
}

/** The server behind a link of this round trip. */
async function relayed(
  address: string,
  roundTripMs: number,
): Promise<AsyncDisposable & { readonly address: string }> {
  if (roundTripMs === 0) return { address, [Symbol.asyncDispose]: async () => undefined };
  const [, host = '', port = ''] = /\/\/([^:/]+):(\d+)/.exec(address) ?? [];
  const link = steadyLink({ roundTripMs, upRate: RATE, downRate: RATE });
  const relay = await openRelay({ target: { host, port: Number(port) }, link });
  return {
    address: address.replace(`${host}:${port}`, `127.0.0.1:${relay.port}`),
    [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose](),
  };
}

type Answered = Omit<ServedLine, 'id' | 'strategy'>;

async function answer(engine: Engine, question: Question, strategy: string): Promise<Answered> {
  const { messages } = question;
  let summary: SummaryEvent | null = null;
  for await (const event of engine.generate({ messages, strategy, maxTokens: options.tokens })) {
    if (event.type === 'summary') summary = event;
  }
  const { models, text, tokenCount, largeShare, elapsedMs } = required(summary, 'a summary');
  const callCount = Object.values(models).reduce(
    (sum, { billed }) => sum + (billed?.callCount ?? 0),
    0,
  );
  const { isRight } = grade(text, question);
  return { tokenCount, largeShare, callCount, elapsedMs, isRight, text };
}

function keyOf({ id, strategy }: Pick<ServedLine, 'id' | 'strategy'>): string {
  return `${id} ${strategy}`;
}

function described(
  { strategy, tokenCount, elapsedMs }: ServedLine,
  done: number,
  all: number,
): string {
  return `${done}/${all} ${strategy}: ${tokenCount} tokens in ${(elapsedMs / 1000).toFixed(1)} s`;
}
