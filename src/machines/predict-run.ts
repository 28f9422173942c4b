/**
 * The time of a recorded run on a machine: the sum of the costs of its forwards there, with their
 * overhead. Pure. The run counts as if it were alone on the machine.
 */

import type { LoggedWork, RecordedRun } from '../accounting/run-log.ts';
import { labelledModel, type ModelId, type ModelRole } from '../core/model-id.ts';
import { decodeShape, type ForwardCosts, fullForwardMs, type RowReading } from './forward-costs.ts';

/** The total work of one model for one purpose. */
export interface PredictedPart {
  readonly model: ModelId;
  readonly purpose: string;
  readonly forwardCount: number;
  readonly rowCount: number;
  readonly ms: number;
}

export interface PredictedRun {
  readonly parts: readonly PredictedPart[];
  /** The waiting time for the network, over all calls of the large model. */
  readonly networkMs: number;
  readonly ms: number;
  /** The time of the large model alone for the same tokens; null if its costs are unknown. */
  readonly largeAloneMs: number | null;
  /** The recorded native compute time, to compare with the predicted time of the forwards. */
  readonly recordedComputeMs: number;
}

export interface PredictOptions {
  /** The wait of every call of a large model behind a network. Default: 0. */
  readonly roundTripMs?: number;
  /** Whether the strategy reads values off the small model's logits. */
  readonly readsLogits?: boolean;
}

/** Costs of forwards by model. The work of a model without costs takes no time. */
export type CostsById = ReadonlyMap<ModelId, ForwardCosts>;

/** @param costs of the models that took part, and of the large one for the comparison */
export function predictRun(
  run: RecordedRun,
  costs: CostsById,
  options: PredictOptions = {},
): PredictedRun {
  const { roundTripMs = 0 } = options;
  const { labels } = run.start;
  const readings = readingsOf(run, options);
  const times = workTimes(run, costs, options).values();
  const parts = new Map<string, PredictedPart>();
  let tokenCount = 0;
  let callCount = 0;
  let before: LoggedWork | null = null;
  let recordedComputeMs = 0;
  for (const { work, tokensBefore } of forwardsOf(run)) {
    tokenCount = tokensBefore;
    if (work === null) continue;
    const ms = times.next().value ?? 0;
    if (asksLarge(work, before, labels.large)) callCount += 1;
    before = work;
    recordedComputeMs += work.computeMs;
    addPart(parts, work, ms);
  }
  const networkMs = callCount * roundTripMs;
  const alone = largeAloneMs(run, tokenCount, costs, readings);
  const computed = [...parts.values()].reduce((sum, part) => sum + part.ms, 0);
  return {
    parts: [...parts.values()],
    networkMs,
    ms: computed + networkMs,
    largeAloneMs: alone === null ? null : alone + roundTripMs,
    recordedComputeMs,
  };
}

/** @returns milliseconds of each work event, in order; null for models without costs */
export function workTimes(
  run: RecordedRun,
  costs: CostsById,
  options: Pick<PredictOptions, 'readsLogits'> = {},
): readonly (number | null)[] {
  const readings = readingsOf(run, options);
  return [...forwardsOf(run)].flatMap(({ work, shapes }) => {
    if (work === null) return [];
    const ofModel = costs.get(work.model);
    if (ofModel === undefined) return [null];
    const read = readings.get(work.model) ?? [];
    return [shapes.reduce((sum, shape) => sum + fullForwardMs(ofModel, shape, read), 0)];
  });
}

/** Whether the run waits for the large model. A large model that goes on writing is asked only once. */
function asksLarge(
  work: LoggedWork,
  before: LoggedWork | null,
  large: ModelId | undefined,
): boolean {
  if (work.model !== large || work.outputRowCount === 0) return false;
  const wasWriting = before?.model === large && before?.purpose === 'correct';
  const goesOn = work.purpose === 'correct' && wasWriting && work.rowCounts[0] === 1;
  return !goesOn;
}

/**
 * The forwards of the run, each with the number of tokens written before it. The last item has only
 * that number.
 */
function* forwardsOf(run: RecordedRun): Generator<{
  readonly work: LoggedWork | null;
  readonly shapes: readonly ReturnType<typeof decodeShape>[];
  readonly tokensBefore: number;
}> {
  let tokenCount = 0;
  let ahead = { draft: 0, correct: 0 };
  for (const event of run.events) {
    if (event.type === 'token') {
      tokenCount += 1;
      ahead = { draft: 0, correct: 0 };
      continue;
    }
    const end = run.start.promptTokenCount + tokenCount + rowsAhead(event, ahead);
    yield { work: event, shapes: shapesOf(event, end), tokensBefore: tokenCount };
    const { purpose, outputRowCount } = event;
    if (purpose === 'draft' || purpose === 'correct') ahead[purpose] += outputRowCount;
  }
  yield { work: null, shapes: [], tokensBefore: tokenCount };
}

/**
 * Rows after the committed text: what the model wrote since then, and drafts that are verified or scored
 * (the last token of a scored step is not fed).
 * @param ahead tokens that were drafted and corrected since the last committed one
 */
function rowsAhead(
  { purpose, outputRowCount }: LoggedWork,
  ahead: { readonly draft: number; readonly correct: number },
): number {
  if (purpose === 'draft' || purpose === 'correct') return ahead[purpose];
  if (purpose === 'reward') return Math.max(0, ahead.draft - 1);
  return purpose === 'verify' ? outputRowCount - 1 : 0;
}

/** @param end the position after the last row. A prompt is read from the end of its cached part */
function shapesOf(work: LoggedWork, end: number): ReturnType<typeof decodeShape>[] {
  const { rowCounts, outputRowCount } = work;
  const rowCount = sum(rowCounts);
  let cached = work.purpose === 'prefill' ? work.reusedRowCount : Math.max(0, end - rowCount);
  let rowsBehind = rowCount;
  return rowCounts.map((rows) => {
    rowsBehind -= rows;
    const outputs = Math.max(0, Math.min(rows, outputRowCount - rowsBehind));
    const shape = { rowCount: rows, outputRowCount: outputs, cachedTokenCount: cached };
    cached += rows;
    return shape;
  });
}

function reusedRowCount({ events }: RecordedRun, model: ModelId | undefined): number {
  return sum(
    events.map((event) => {
      return event.type === 'work' && event.model === model ? event.reusedRowCount : 0;
    }),
  );
}

/** Null if the costs of the large model are unknown. */
function largeAloneMs(
  run: RecordedRun,
  tokenCount: number,
  costs: CostsById,
  readings: Readings,
): number | null {
  const { labels, promptTokenCount } = run.start;
  const { large } = labels;
  const ofLarge = large === undefined ? undefined : costs.get(large);
  if (ofLarge === undefined) return null;
  let ms = 0;
  const promptRows = promptTokenCount - 1;
  const chunk = labelledModel(run.start, 'large').prefillChunkRowCount;
  // Its cache would have saved the same number of rows as in the run (as in accounting/run-cost.ts).
  const found = Math.max(reusedRowCount(run, labels.small), reusedRowCount(run, labels.large));
  for (let cached = found; cached < promptRows; cached += chunk) {
    const rowCount = Math.min(chunk, promptRows - cached);
    ms += fullForwardMs(ofLarge, { rowCount, outputRowCount: 0, cachedTokenCount: cached });
  }
  for (let index = 0; index < tokenCount; index += 1) {
    ms += fullForwardMs(ofLarge, decodeShape(1, promptRows + index), readings.get(large));
  }
  return ms;
}

type Readings = ReadonlyMap<ModelId | undefined, readonly RowReading[]>;

/** The values that are read of the pair's output rows, as far as the run's tokens show them. */
function readingsOf({ start, events }: RecordedRun, options: PredictOptions): Readings {
  const tokens = events.filter((event) => event.type === 'token');
  const draws: readonly RowReading[] = start.sampling.temperature > 0 ? ['draw'] : [];
  const logprob = (role: ModelRole): readonly RowReading[] => {
    const written = tokens.filter((token) => {
      const isSmall = token.origin === 'small' && !token.verified;
      return isSmall === (role === 'small');
    });
    return written.some((token) => token.logprob !== null) ? ['logprob'] : [];
  };
  const uncertainty: readonly RowReading[] = options.readsLogits === true ? ['uncertainty'] : [];
  const { small, large } = start.labels;
  return new Map<ModelId | undefined, readonly RowReading[]>([
    [small, [...draws, ...logprob('small'), ...uncertainty]],
    [large, [...draws, ...logprob('large')]],
  ]);
}

function addPart(parts: Map<string, PredictedPart>, work: LoggedWork, ms: number): void {
  const { model, purpose, rowCounts } = work;
  const key = `${model} ${purpose}`;
  const before = parts.get(key);
  parts.set(key, {
    model,
    purpose,
    forwardCount: (before?.forwardCount ?? 0) + rowCounts.length,
    rowCount: (before?.rowCount ?? 0) + sum(rowCounts),
    ms: (before?.ms ?? 0) + ms,
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
