/**
 * What a recorded run would take on a machine: the sum over its forwards of what each costs there,
 * with everything around them. Pure. The run is taken as if it were alone on the machine.
 */

import type { LoggedWork, RecordedRun } from '../accounting/run-log.ts';
import type { ByRole, ModelRole } from '../core/events.ts';
import { decodeShape, type ForwardCosts, fullForwardMs, type RowReading } from './forward-costs.ts';

/** What one model did for one purpose, added up. */
export interface PredictedPart {
  readonly model: ModelRole;
  readonly purpose: string;
  readonly forwardCount: number;
  readonly rowCount: number;
  readonly ms: number;
}

export interface PredictedRun {
  readonly parts: readonly PredictedPart[];
  /** Waiting for the network, all calls of the large model together. */
  readonly networkMs: number;
  readonly ms: number;
  /** The large model alone writing the same tokens there; null if its costs are unknown. */
  readonly largeAloneMs: number | null;
  /** Native compute time of what was recorded, to compare the forwards' part of a prediction with. */
  readonly recordedComputeMs: number;
}

export interface PredictOptions {
  /** Of a large model behind a network: every call of it waits so long. Default: none. */
  readonly roundTripMs?: number;
  /** Whether the strategy reads entropies of the small model's rows. */
  readonly readsUncertainty?: boolean;
}

/** @param costs of the models that took part; the large one's also for the comparison */
export function predictRun(
  run: RecordedRun,
  costs: ByRole<ForwardCosts>,
  options: PredictOptions = {},
): PredictedRun {
  const { roundTripMs = 0 } = options;
  const readings = readingsOf(run, options);
  const parts = new Map<string, PredictedPart>();
  let tokenCount = 0;
  let callCount = 0;
  let before: LoggedWork | null = null;
  let recordedComputeMs = 0;
  for (const { work, shapes, tokensBefore } of forwardsOf(run)) {
    tokenCount = tokensBefore;
    if (work === null) continue;
    const ofModel = costs[work.model];
    const read = work.model === 'small' ? readings.small : readings.large;
    const ms = shapes.reduce((sum, shape) => {
      return sum + (ofModel === null ? 0 : fullForwardMs(ofModel, shape, read));
    }, 0);
    if (asksLarge(work, before)) callCount += 1;
    before = work;
    recordedComputeMs += work.computeMs;
    addPart(parts, work, ms);
  }
  const networkMs = callCount * roundTripMs;
  const computed = [...parts.values()].reduce((sum, part) => sum + part.ms, 0);
  return {
    parts: [...parts.values()],
    networkMs,
    ms: computed + networkMs,
    largeAloneMs:
      costs.large === null
        ? null
        : largeAloneMs(run, tokenCount, costs.large, readings.large) + roundTripMs,
    recordedComputeMs,
  };
}

/** Whether somebody waits for an answer. A large model that goes on writing is asked only once. */
function asksLarge(work: LoggedWork, before: LoggedWork | null): boolean {
  if (work.model !== 'large' || work.outputRowCount === 0) return false;
  const goesOn = work.purpose === 'correct' && isCorrection(before) && work.rowCounts[0] === 1;
  return !goesOn;
}

function isCorrection(work: LoggedWork | null): boolean {
  return work?.model === 'large' && work.purpose === 'correct';
}

/** Forwards, each with the tokens in the cache before it; and where the run ends. */
function* forwardsOf(run: RecordedRun): Generator<{
  readonly work: LoggedWork | null;
  readonly shapes: readonly ReturnType<typeof decodeShape>[];
  readonly tokensBefore: number;
}> {
  let tokenCount = 0;
  let draftCount = 0;
  for (const event of run.events) {
    if (event.type === 'token') {
      tokenCount += 1;
      draftCount = 0;
      continue;
    }
    const end = run.start.promptTokenCount + tokenCount + rowsAhead(event, draftCount);
    yield { work: event, shapes: shapesOf(event, end), tokensBefore: tokenCount };
    if (event.purpose === 'draft') draftCount += event.outputRowCount;
  }
  yield { work: null, shapes: [], tokensBefore: tokenCount };
}

/** Rows behind the committed text: drafts before the next draft, and drafts being verified. */
function rowsAhead({ purpose, outputRowCount }: LoggedWork, draftCount: number): number {
  if (purpose === 'draft') return draftCount;
  return purpose === 'verify' ? outputRowCount - 1 : 0;
}

/** @param end where the last row stands. A prompt is read from its beginning, or where the cache ends */
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

function reusedRowCount({ events }: RecordedRun, role: ModelRole): number {
  const works = events.filter((event) => event.type === 'work' && event.model === role);
  return sum(works.map((work) => (work.type === 'work' ? work.reusedRowCount : 0)));
}

function largeAloneMs(
  run: RecordedRun,
  tokenCount: number,
  costs: ForwardCosts,
  readings: readonly RowReading[],
): number {
  let ms = 0;
  const { start } = run;
  const promptRows = start.promptTokenCount - 1;
  // What the run found in the cache it would have found, too (as in cost/run-cost.ts).
  const found = Math.max(reusedRowCount(run, 'small'), reusedRowCount(run, 'large'));
  for (let cached = found; cached < promptRows; cached += start.prefillChunkRowCount) {
    const rowCount = Math.min(start.prefillChunkRowCount, promptRows - cached);
    ms += fullForwardMs(costs, { rowCount, outputRowCount: 0, cachedTokenCount: cached });
  }
  for (let index = 0; index < tokenCount; index += 1) {
    ms += fullForwardMs(costs, decodeShape(1, promptRows + index), readings);
  }
  return ms;
}

type Readings = Readonly<Record<ModelRole, readonly RowReading[]>>;

/** What was read of output rows, as far as the run's tokens show it. */
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
  const uncertainty: readonly RowReading[] =
    options.readsUncertainty === true ? ['uncertainty'] : [];
  return {
    small: [...draws, ...logprob('small'), ...uncertainty],
    large: [...draws, ...logprob('large')],
  };
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
