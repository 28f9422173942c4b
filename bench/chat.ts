/**
 * Measures the rows that the second turn of a conversation processes again. It counts rows, which no
 * noise disturbs: in turn 2 a model should read only the text that it has not read in turn 1.
 */
import { Command } from 'commander';
import type { TokenEvent, WorkEvent } from '../src/core/events.ts';
import type { ModelLabels, ModelRole } from '../src/core/model-id.ts';
import { Engine } from '../src/engine/engine.ts';
import type { GenerateRequest } from '../src/engine/request.ts';
import type { LanguageModel } from '../src/model/roles.ts';
import { MachineWatch } from './report/machine-watch.ts';
import { publish, yesNo } from './report/report.ts';
import { LARGE_DEFAULT, loadFromCatalog, SMALL_DEFAULT } from './workload/load-model.ts';
import { count } from './workload/options.ts';

const FIRST_QUESTION =
  'Three friends share a taxi from the airport. The fare is 42 dollars and they add a tip of one ' +
  'sixth of it. How much does each of them pay? Explain every step of the calculation.';
const SECOND_QUESTION = 'And if a fourth friend joins them?';
/** Rows that may run again beside the new rows: the last token of a turn, and at most one more. */
const SPARE_ROWS = 2;

interface Options {
  readonly small: string;
  readonly large: string;
  readonly tokens: number;
  readonly threads?: number;
  readonly json?: boolean;
}

/** One turn of a conversation from the view of one model. */
interface ModelTurn {
  readonly prefillRows: number;
  readonly catchUpRows: number;
  readonly otherRows: number;
  /** All rows, and the rows that the prefix cache spared. */
  readonly rows: number;
  readonly reusedRows: number;
  /** The length of the text when the model last read it. */
  readonly readLength: number;
}

interface Turn {
  /** Prompt and answer. */
  readonly tokens: readonly number[];
  readonly promptTokenCount: number;
  readonly models: Readonly<Partial<Record<ModelRole, ModelTurn>>>;
}

interface Result {
  readonly strategy: string;
  readonly model: ModelRole;
  readonly first: ModelTurn;
  readonly second: ModelTurn;
  /** Rows of turn 2 that its text needs beyond the text that the model had read in turn 1. */
  readonly newRows: number;
  readonly met: boolean;
}

export function chatCommand(): Command {
  return new Command('chat')
    .description('rows that the second chat turn processes, against those that are new')
    .option('--small <NAME>', 'small model', SMALL_DEFAULT)
    .option('--large <NAME>', 'large model', LARGE_DEFAULT)
    .option('--tokens <N>', 'tokens per answer', count, 64)
    .option('--threads <N>', 'threads of a model', count)
    .option('--json', 'print results as JSON')
    .action(run);
}

async function run(options: Options): Promise<void> {
  const shape = {
    contextLength: 4096,
    rowCountMax: 256,
    sequenceCountMax: 16,
    ...(options.threads === undefined ? {} : { threadCount: options.threads }),
  };
  const small = (await loadFromCatalog(options.small, shape)).model;
  const large = (await loadFromCatalog(options.large, shape)).model;
  await using engine = new Engine({ models: { small, large } });
  const watch = new MachineWatch();
  const results: Result[] = [];
  for (const strategy of ['large', 'entropy']) {
    results.push(...(await conversation(engine, large, { strategy, maxTokens: options.tokens })));
  }
  report(options, results, watch);
}

async function conversation(
  engine: Engine,
  model: LanguageModel,
  request: GenerateRequest & { readonly strategy: string },
): Promise<Result[]> {
  // Each strategy begins its own conversation, so that no earlier prefix serves it.
  const system = {
    role: 'system' as const,
    content: `You are a patient tutor (${request.strategy}).`,
  };
  const opening = [system, { role: 'user' as const, content: FIRST_QUESTION }];
  const first = await turn(engine, model, { ...request, messages: opening });
  const messages = [
    ...opening,
    { role: 'assistant' as const, content: first.text },
    { role: 'user' as const, content: SECOND_QUESTION },
  ];
  const second = await turn(engine, model, { ...request, messages });
  const shared = commonLength(first.tokens, second.tokens.slice(0, second.promptTokenCount));
  return (['small', 'large'] as const).flatMap((role) => {
    const [before, after] = [first.models[role], second.models[role]];
    if (before === undefined || after === undefined) return [];
    const newRows = after.readLength - Math.min(shared, before.readLength);
    const met = after.rows <= newRows + SPARE_ROWS;
    return [
      { strategy: request.strategy, model: role, first: before, second: after, newRows, met },
    ];
  });
}

async function turn(
  engine: Engine,
  model: LanguageModel,
  request: GenerateRequest,
): Promise<Turn & { readonly text: string }> {
  const prompt = model.vocabulary.tokenize(model.vocabulary.renderChat(request.messages ?? []));
  let labels: ModelLabels = {};
  const work: WorkEvent[] = [];
  const answer: TokenEvent[] = [];
  let text = '';
  for await (const event of engine.generate(request)) {
    if (event.type === 'start') labels = event.labels;
    if (event.type === 'work') work.push(event);
    if (event.type === 'token') answer.push(event);
    if (event.type === 'summary') text = event.text;
  }
  const models: Partial<Record<ModelRole, ModelTurn>> = {};
  for (const role of ['small', 'large'] as const) {
    const ofModel = work.filter((event) => event.model === labels[role]);
    // A model reads the text before each token that it proposes or writes, so the last such token
    // counts.
    const last = answer.findLastIndex(({ origin }) => role === 'small' || origin === 'large');
    if (ofModel.length > 0) models[role] = modelTurn(ofModel, prompt.length + Math.max(0, last));
  }
  const tokens = [...prompt, ...answer.map(({ tokenId }) => tokenId)];
  return { tokens, promptTokenCount: prompt.length, models, text };
}

function modelTurn(work: readonly WorkEvent[], readLength: number): ModelTurn {
  const rowsOf = (events: readonly WorkEvent[]): number =>
    events.reduce((sum, { rowCounts }) => sum + rowCounts.reduce((a, b) => a + b, 0), 0);
  const rows = rowsOf(work);
  const prefillRows = rowsOf(work.filter(({ purpose }) => purpose === 'prefill'));
  // Rows that a forward feeds before its output rows are missed tokens: catch-up, for any purpose.
  const outputRows = work.reduce((sum, { outputRowCount }) => sum + outputRowCount, 0);
  const catchUpRows = rows - prefillRows - outputRows;
  const reusedRows = work.reduce((sum, { reusedRowCount }) => sum + reusedRowCount, 0);
  return { prefillRows, catchUpRows, otherRows: outputRows, rows, reusedRows, readLength };
}

function commonLength(a: readonly number[], b: readonly number[]): number {
  const end = a.findIndex((token, index) => token !== b[index]);
  return end < 0 ? Math.min(a.length, b.length) : end;
}

function report(options: Options, results: readonly Result[], watch: MachineWatch): void {
  const { json, ...settings } = options;
  const parts = ({ prefillRows, catchUpRows, otherRows, reusedRows }: ModelTurn): string =>
    `${prefillRows} + ${catchUpRows} + ${otherRows} (${reusedRows})`;
  const rows = results.map(({ strategy, model, first, second, newRows, met }) => [
    strategy,
    model,
    parts(first),
    parts(second),
    String(second.rows),
    String(newRows),
    (second.rows / newRows).toFixed(2),
    yesNo(met),
  ]);
  const head = ['strategy', 'model', 'turn 1', 'turn 2', 'rows of turn 2', 'of them new', 'ratio'];
  const notes = ['Turns: rows of prefill + catch-up + output (spared by the prefix cache).'];
  const table = { head: [...head, 'only new'], rows, notes };
  publish({ benchmark: 'chat', settings, results, ...table }, watch, json === true);
}
