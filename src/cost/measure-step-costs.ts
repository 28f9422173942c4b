/** Measures a model's cost curve on this machine: a second or two, with the device to itself. */

import { throwIfAborted } from '../core/errors.ts';
import type { OnProgress } from '../core/progress.ts';
import { GREEDY } from '../core/sampling-params.ts';
import { tokenId } from '../core/token-id.ts';
import type { LanguageModel, Sequence } from '../model/roles.ts';
import type { CostCurve } from './step-costs.ts';

/** Row counts that speculation chooses among. */
export const MEASURED_ROW_COUNTS: readonly number[] = [1, 2, 3, 4, 5, 6, 8, 9];
const REPEAT_COUNT = 5;
/** Tokens in the cache while measuring: attention over them is part of a step. */
const PREFIX_LENGTH_MAX = 64;

export interface MeasureOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
}

/**
 * The fastest of several forwards for each row count: other work on the machine only adds. They are
 * interleaved, so that a busy moment does not fall on one row count alone. A small context or batch
 * measures what fits in it.
 */
export async function measureCostCurve(
  model: LanguageModel,
  options: MeasureOptions = {},
): Promise<CostCurve> {
  const { rowCountMax, contextLength } = model.facts;
  const fits = (count: number): boolean => count <= rowCountMax && count < contextLength;
  const rowCounts = MEASURED_ROW_COUNTS.filter(fits);
  const room = contextLength - Math.max(0, ...rowCounts);
  const prefixLength = Math.min(PREFIX_LENGTH_MAX, rowCountMax, room);
  await using sequence = model.openSequence();
  const times = new Map<number, number[]>(rowCounts.map((count) => [count, []]));
  await feed(sequence, model, prefixLength);
  for (let repeat = 0; repeat <= REPEAT_COUNT; repeat += 1) {
    for (const [rowCount, measured] of times) {
      throwIfAborted(options.signal);
      const ms = await feed(sequence, model, rowCount);
      // The first pass warms caches up and is not counted.
      if (repeat > 0) measured.push(ms);
      await sequence.truncate(prefixLength);
    }
    options.onProgress?.({
      label: `Measuring step costs of ${model.facts.name}`,
      done: repeat + 1,
      total: REPEAT_COUNT + 1,
      unit: 'steps',
    });
  }
  return { points: monotone(times) };
}

async function feed(sequence: Sequence, model: LanguageModel, rowCount: number): Promise<number> {
  const { size } = model.vocabulary;
  const tokens = Array.from({ length: rowCount }, (_, row) => tokenId((row * 7 + 11) % size));
  const program = {
    vocabularySize: size,
    sampling: GREEDY,
    seed: 0,
    purpose: 'sample' as const,
  };
  const { computeMs } = await sequence.forward({ tokens, outputFrom: 0, program });
  return computeMs;
}

/** The fastest each; more rows never cost less, so a dip is noise and is levelled. */
function monotone(times: ReadonlyMap<number, readonly number[]>): CostCurve['points'] {
  let most = 0;
  return [...times].map(([rowCount, measured]) => {
    most = Math.max(most, Math.min(...measured));
    return { rowCount, ms: most };
  });
}
