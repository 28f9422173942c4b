/**
 * Tasks whose questions are in a file: a published set in the user's folder, or the user's own
 * file.
 */
import { join } from 'node:path';
import type { z } from 'zod';
import { PilotfishError } from '../../core/errors.ts';
import type { ShareInterval } from '../curves/share-interval.ts';
import { flawOf } from '../graders/grade.ts';
import { questionKey } from '../question-key.ts';
import { invalidData, type Row, readRows } from './read-rows.ts';
import { select } from './select.ts';
import { type BareQuestion, checkSplit, type LoadOptions, prompted, type Task } from './task.ts';

/** A public data set. This package does not contain it: users fetch it from its authors. */
export interface PublishedSet<T> {
  readonly name: string;
  readonly splits: readonly string[];
  readonly defaultPrompt: string;
  readonly interval: ShareInterval;
  /** The address of the publication, for people. */
  readonly publishedAt: string;
  readonly format: 'jsonl' | 'json';
  readonly row: z.ZodType<T>;
  /** The path below the set's own folder. */
  fileName(split: string): string;
  /** @param index of the row in its file, from 0; @returns null for a row of another split */
  question(row: T, index: number, split: string): BareQuestion | null;
}

export function publishedTask<T>(set: PublishedSet<T>): Task {
  const { name, splits, defaultPrompt, interval, format } = set;
  return {
    name,
    splits,
    defaultPrompt,
    interval,
    load: async (options) => {
      checkSplit(set, options.split);
      const path = join(dataFolder(set, options), name, set.fileName(options.split));
      const rows = await readRows({ path, format, remedy: remedyFor(set, options) }, set.row);
      const placed = rows.flatMap(({ value, place }, index) => {
        const question = set.question(value, index, options.split);
        return question === null ? [] : [{ value: question, place }];
      });
      checkRows(path, placed);
      const { unique, repeats } = withoutRepeats(placed);
      if (repeats.length > 0) {
        options.onNotice?.(
          `${path}: rows that ask a question again are left out: ${repeats.length}.`,
        );
      }
      return prompted(select(unique, options), options, set);
    },
  };
}

/** Reads a user's own file, in which a repeated question is an error. */
export async function readOwnQuestions(
  path: string,
  schema: z.ZodType<(place: string) => BareQuestion>,
): Promise<readonly BareQuestion[]> {
  const remedy = 'Check the path.';
  const rows = await readRows({ path, format: 'jsonl', remedy }, schema);
  const placed = rows.map(({ value, place }) => ({ value: value(place), place }));
  checkRows(path, placed);
  const { unique, repeats } = withoutRepeats(placed);
  const [repeat] = repeats;
  if (repeat === undefined) return unique;
  throw invalidData(path, repeat.place, `asks the same question as ${repeat.firstPlace}`);
}

/**
 * @throws PilotfishError `data-invalid` for an answer that no output could match, or a repeated id
 */
function checkRows(path: string, rows: readonly Row<BareQuestion>[]): void {
  const places = new Map<string, string>();
  for (const { value: question, place } of rows) {
    const flaw = flawOf(question);
    if (flaw !== null) {
      const answer = JSON.stringify(question.answer);
      throw invalidData(path, place, `the answer ${answer} of the kind ${question.kind} ${flaw}`);
    }
    const first = places.get(question.id);
    if (first !== undefined)
      throw invalidData(path, place, `has the id of ${first}: ${question.id}`);
    places.set(question.id, place);
  }
}

interface Repeat {
  readonly place: string;
  readonly firstPlace: string;
}

function withoutRepeats(rows: readonly Row<BareQuestion>[]): {
  readonly unique: readonly BareQuestion[];
  readonly repeats: readonly Repeat[];
} {
  const firstPlaces = new Map<string, string>();
  const unique: BareQuestion[] = [];
  const repeats: Repeat[] = [];
  for (const { value: question, place } of rows) {
    const key = questionKey(question);
    const firstPlace = firstPlaces.get(key);
    if (firstPlace === undefined) {
      firstPlaces.set(key, place);
      unique.push(question);
    } else repeats.push({ place, firstPlace });
  }
  return { unique, repeats };
}

function dataFolder<T>(set: PublishedSet<T>, options: LoadOptions): string {
  if (options.dataFolder !== undefined) return options.dataFolder;
  throw new PilotfishError('data-not-found', `The task ${set.name} needs a folder of data.`, {
    remedy: remedyFor(set, options),
    fields: { task: set.name, path: null },
  });
}

function remedyFor<T>(
  { name, fileName, publishedAt }: PublishedSet<T>,
  { split }: LoadOptions,
): string {
  return (
    `The data is not part of this package. Fetch it from ${publishedAt}, put it at ` +
    `FOLDER/${name}/${fileName(split)}, and name the folder with --data FOLDER.`
  );
}
