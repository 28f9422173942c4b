/** Selects questions of a task: by id, in the order of the file, or drawn with a seed. */
import { PilotfishError } from '../../core/errors.ts';
import { noiseBits, noiseKey } from '../../core/noise.ts';
import type { LoadOptions } from './task.ts';

const NAMED_COUNT_MAX = 3;

type Range = Pick<LoadOptions, 'ids' | 'seed' | 'from' | 'count'>;

/**
 * Ids first, then the shuffle, then the range.
 *
 * @throws PilotfishError `option-invalid`, `question-unknown`
 */
export function select<T extends { readonly id: string }>(
  all: readonly T[],
  { ids, seed, from, count }: Range,
): readonly T[] {
  const named = ids === undefined ? all : byIds(all, ids);
  const ordered = seed === undefined ? named : shuffled(named, seed);
  return inRange(ordered, { from, count });
}

/** The same order for the same seed and number of items. */
export function shuffled<T>(items: readonly T[], seed: number): readonly T[] {
  checkInteger('seed', seed, Number.MIN_SAFE_INTEGER);
  const key = noiseKey(seed, 0, 'coin');
  return items
    .map((item, index) => ({ item, bits: noiseBits(key, index) }))
    .sort((a, b) => a.bits - b.bits)
    .map(({ item }) => item);
}

/** @throws PilotfishError `option-invalid` if there are fewer items than requested */
export function inRange<T>(
  items: readonly T[],
  range: Pick<Range, 'from' | 'count'>,
): readonly T[] {
  const { from = 0, count = items.length - from } = range;
  checkInteger('from', from, 0);
  checkInteger('count', count, range.count === undefined ? 0 : 1);
  if (from + count <= items.length && from < items.length) return items.slice(from, from + count);
  throw new PilotfishError(
    'option-invalid',
    `There are ${items.length} questions, not ${count} from number ${from} on.`,
    {
      remedy: 'Ask for fewer, or begin earlier.',
      fields: { from, count, questionCount: items.length },
    },
  );
}

export function checkInteger(name: string, value: number, min: number): void {
  if (Number.isSafeInteger(value) && value >= min) return;
  const least = min === Number.MIN_SAFE_INTEGER ? '' : ` from ${min} on`;
  throw new PilotfishError('option-invalid', `"${name}" is ${value}.`, {
    remedy: `Give a whole number${least}.`,
    fields: { [name]: value },
  });
}

/** @throws PilotfishError `option-invalid` for a repeated id */
export function checkIds(ids: readonly string[]): void {
  const twice = ids.find((id, index) => ids.indexOf(id) < index);
  if (ids.length > 0 && twice === undefined) return;
  const problem =
    twice === undefined ? 'No question is named' : `The question ${twice} is named twice`;
  throw new PilotfishError('option-invalid', `${problem}.`, {
    remedy: 'Name every question once.',
    fields: { id: twice ?? null },
  });
}

function byIds<T extends { readonly id: string }>(
  all: readonly T[],
  ids: readonly string[],
): readonly T[] {
  checkIds(ids);
  const known = new Map(all.map((item) => [item.id, item]));
  const missing = ids.filter((id) => !known.has(id));
  if (missing.length > 0) throw unknownQuestions(missing);
  return ids.flatMap((id) => known.get(id) ?? []);
}

export function unknownQuestions(missing: readonly string[]): PilotfishError {
  const some = missing.slice(0, NAMED_COUNT_MAX).join(', ');
  const more =
    missing.length > NAMED_COUNT_MAX ? ` and ${missing.length - NAMED_COUNT_MAX} more` : '';
  return new PilotfishError('question-unknown', `There is no question ${some}${more}.`, {
    remedy: 'Check the task and split of the ids, and that the data file is the published one.',
    fields: { id: missing[0] ?? null, missingCount: missing.length },
  });
}
