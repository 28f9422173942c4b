/**
 * Compares `speculative` at its defaults with `large`, prompt by prompt in turns, on a stratified sample
 * of real prompts. A control, `large` against itself in the same way, shows the effect of noise alone on
 * the worst ratio. The run can be resumed, because a whole run takes long.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { openEngine } from '../src/app/open-engine.ts';
import { PilotfishError } from '../src/core/errors.ts';
import type { Engine } from '../src/engine/engine.ts';
import { MachineWatch } from './report/machine-watch.ts';
import { progress } from './report/report.ts';
import { ResumableLines } from './report/resumable-lines.ts';
import { publishSpeculation } from './report/speculation-report.ts';
import { count } from './workload/options.ts';
import {
  pocketQuestions,
  type Question,
  readQuestions,
  stratifiedSample,
} from './workload/questions.ts';
import { type TimedAnswer, timedAnswer, timedAnswerSchema } from './workload/timed-answer.ts';

export interface SpeculationOptions {
  readonly pair?: string;
  readonly data?: string;
  readonly perCategory: number;
  readonly seed: number;
  readonly tokens: number;
  readonly repeats: number;
  readonly control?: boolean;
  readonly out?: string;
  readonly minutes?: number;
  readonly draftLength?: number;
  readonly threads?: number;
  readonly json?: boolean;
}

export interface SpeculationLine {
  readonly id: string;
  readonly category: string;
  /** The fastest of the repeats; null if the answer was too short to time. */
  readonly large: TimedAnswer | null;
  readonly speculative: TimedAnswer | null;
  readonly control: TimedAnswer | null;
}

const lineSchema: z.ZodType<SpeculationLine> = z.object({
  id: z.string(),
  category: z.string(),
  large: timedAnswerSchema.nullable(),
  speculative: timedAnswerSchema.nullable(),
  control: timedAnswerSchema.nullable(),
});

type Arm = 'large' | 'speculative' | 'control';

const CONTEXT_LENGTH = 4096;
const DATA_DEFAULT = join(import.meta.dirname, '../../shared/data/spec_bench/question.jsonl');

export function speculativeCommand(): Command {
  return new Command('speculative')
    .description('strategy speculative against large on real prompts; resumable')
    .option('--pair <NAME>', 'pair of models')
    .option('--data <FILE>', 'questions, one JSON object a line, as Spec-Bench publishes them')
    .option('--per-category <N>', 'prompts of each category', count, 4)
    .option('--seed <N>', 'of the sample', count, 1)
    .option('--tokens <N>', 'tokens per answer', count, 64)
    .option('--repeats <N>', 'runs of each prompt; the fastest counts', count, 1)
    .option('--control', 'also large against large')
    .option('--out <FILE>', 'keep results in this file, and continue from its lines')
    .option(
      '--minutes <N>',
      'stop after this number of minutes, to be continued with the same --out',
      count,
    )
    .option('--draft-length <N>', 'always draft this number of tokens with the small model', count)
    .option('--threads <N>', 'threads of a model', count)
    .option('--json', 'print results as JSON')
    .action(run);
}

async function run(options: SpeculationOptions): Promise<void> {
  const sample = stratifiedSample(questions(options), options.perCategory, options.seed);
  const lines = await openLines(options);
  const known = new Set(lines.all.map(({ id }) => id));
  const left = sample.filter(({ id }) => !known.has(id));
  await using engine = await openEngine({
    strategies: ['large', 'speculative'],
    ...(isPocket(options) ? {} : { contextLength: CONTEXT_LENGTH }),
    ...(options.draftLength === undefined
      ? {}
      : { speculative: { proposer: 'small', draftLength: options.draftLength } }),
    ...(options.pair === undefined ? {} : { pair: options.pair }),
    ...(options.threads === undefined ? {} : { threadCount: options.threads }),
  });
  await warmUp(engine);
  const watch = new MachineWatch();
  const deadline = performance.now() + (options.minutes ?? Number.POSITIVE_INFINITY) * 60_000;
  for (const [index, question] of left.entries()) {
    if (performance.now() > deadline) break;
    const line = await compare(engine, question, { ...options, turn: known.size + index });
    await lines.add(line);
    progress(summary(line, known.size + index + 1, sample.length));
  }
  publishSpeculation(options, { lines: lines.all, wanted: sample.length }, watch);
}

/** The pocket models can read no other questions. */
function isPocket({ pair, data }: SpeculationOptions): boolean {
  return data === undefined && pair?.startsWith('pocket') === true;
}

function questions(options: SpeculationOptions): Question[] {
  if (isPocket(options)) return pocketQuestions(options.perCategory);
  return readQuestions(dataFile(options));
}

function dataFile({ data = DATA_DEFAULT }: SpeculationOptions): string {
  if (existsSync(data)) return data;
  throw new PilotfishError('option-invalid', `There is no question file ${data}.`, {
    remedy: 'Give --data with the question.jsonl of Spec-Bench.',
    fields: { option: 'data', value: data },
  });
}

/** Without `--out` no results are kept. */
async function openLines(
  options: SpeculationOptions,
): Promise<Pick<ResumableLines<SpeculationLine>, 'all' | 'add'>> {
  const { out, minutes: _, json: __, data: ___, perCategory: ____, ...rest } = options;
  if (out !== undefined) {
    // Identified by their bytes: an id of one file may name another question in the next.
    const settings = { ...rest, questions: digestOf(dataFile(options)) };
    return await ResumableLines.open(out, settings, (line) => lineSchema.parse(line));
  }
  const all: SpeculationLine[] = [];
  return {
    all,
    add: async (line) => {
      all.push(line);
    },
  };
}

function digestOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16);
}

async function warmUp(engine: Engine): Promise<void> {
  const request = { prompt: 'One, two, three, four, five,', maxTokens: 8 };
  for (const strategy of ['large', 'speculative'])
    await timedAnswer(engine, { ...request, strategy });
}

interface CompareOptions extends SpeculationOptions {
  /**
   * The number of prompts before this one. The side that goes first changes from one prompt to the next.
   */
  readonly turn: number;
}

async function compare(
  engine: Engine,
  question: Question,
  options: CompareOptions,
): Promise<SpeculationLine> {
  const arms: readonly Arm[] = [
    'large',
    'speculative',
    ...(options.control ? ['control' as const] : []),
  ];
  const best: Record<Arm, TimedAnswer | null> = { large: null, speculative: null, control: null };
  for (let repeat = 0; repeat < options.repeats; repeat += 1) {
    for (let place = 0; place < arms.length; place += 1) {
      const arm = arms[(place + repeat + options.turn) % arms.length] ?? 'large';
      best[arm] = faster(best[arm], await answer(engine, question, arm, options.tokens));
    }
  }
  return { id: question.id, category: question.category, ...best };
}

function answer(
  engine: Engine,
  { text }: Question,
  arm: Arm,
  maxTokens: number,
): Promise<TimedAnswer | null> {
  const strategy = arm === 'speculative' ? 'speculative' : 'large';
  const messages = [{ role: 'user' as const, content: text }];
  // Every arm reads the prompt itself: it must not use the prefix of the arm before.
  return timedAnswer(engine, { messages, strategy, maxTokens, reusePrefix: false });
}

function faster(a: TimedAnswer | null, b: TimedAnswer | null): TimedAnswer | null {
  if (a === null || b === null) return a ?? b;
  return a.decodeTokensPerSecond >= b.decodeTokensPerSecond ? a : b;
}

function summary(
  { id, category, large, speculative, control }: SpeculationLine,
  done: number,
  all: number,
): string {
  const ratio = (one: TimedAnswer | null): string =>
    one === null || large === null
      ? '-'
      : (one.decodeTokensPerSecond / large.decodeTokensPerSecond).toFixed(3);
  const drafts = `${speculative?.acceptedCount ?? 0} of ${speculative?.draftedCount ?? 0} drafts`;
  return `${done}/${all} ${category} ${id}: ${ratio(speculative)} (${drafts}), control ${ratio(control)}`;
}
