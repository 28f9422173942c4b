/**
 * Records of one kind in a file that only grows: one line of JSON for each, found by a key. Whatever
 * takes long to compute is kept so, and an interruption costs nothing that was added before. Of several
 * records with one key the last one counts. One process at a time may use a file.
 */
import type { z } from 'zod';
import { type ErrorCode, PilotfishError } from '../core/errors.ts';
import { required } from '../core/invariant.ts';
import { parseJson } from '../core/parse-json.ts';
import { RecentEntries } from '../core/recent-entries.ts';
import { appendTexts, type LinePlace, lineAt, linesOf } from './json-lines.ts';

export interface RecordFormat<T extends K, K = T> {
  /** Such as "answer": "Line 3 of … is no answer". */
  readonly noun: string;
  /** The record of a line, or why the line has none (see `recordReader`). */
  readonly read: (line: string) => T | string;
  /** What is written as JSON, and read back by `read`. Default: the record itself. */
  readonly lineOf?: (record: T) => unknown;
  readonly keyOf: (key: K) => string;
  /** Of the error for a line without a record. */
  readonly code: ErrorCode;
  /** What to do about such a line: "Delete the line: …". */
  readonly remedy: string;
  /** Default `records`. */
  readonly memory?: RecordMemory;
}

/**
 * What stays in memory of a record.
 *
 * - `records`: the record.
 * - `texts`: its line, which takes a fraction of the memory. For records that are their own lines.
 * - `recentCount`: its place in the file, and that many of the records that were used last.
 */
export type RecordMemory = 'records' | 'texts' | { readonly recentCount: number };

/** Reads records by their schema, and names the first field that is wrong. */
export function recordReader<T>(schema: z.ZodType<T>): (line: string) => T | string {
  return (line) => {
    const value = parseJson(line);
    if (value === undefined) return 'it is not JSON';
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    return `${issue?.path.join('.') || 'the record'}: ${issue?.message ?? 'wrong'}`;
  };
}

interface Line extends LinePlace {
  readonly text: string;
  /** From 1 on. */
  readonly number: number;
}

/** @typeParam K what a record is found by, which is a part of it */
export class RecordStore<T extends K & object, K = T> {
  readonly #path: string;
  readonly #format: RecordFormat<T, K>;
  readonly #shelf: Shelf<T>;
  /** Null where all records are in memory. */
  readonly #recent: RecentEntries<T> | null;
  #lineCount = 0;

  private constructor(path: string, format: RecordFormat<T, K>) {
    const { memory = 'records' } = format;
    this.#path = path;
    this.#format = format;
    this.#recent = typeof memory === 'string' ? null : new RecentEntries(memory.recentCount);
    this.#shelf = shelfFor(memory, (place) => {
      return this.#read({ ...place, text: lineAt(path, place) });
    });
  }

  /** @throws PilotfishError of the format's code, naming the line; `file-system-failed` */
  static async open<T extends K & object, K = T>(
    path: string,
    format: RecordFormat<T, K>,
  ): Promise<RecordStore<T, K>> {
    const store = new RecordStore(path, format);
    for await (const { text, offset, byteCount } of linesOf(path)) {
      const line = { text, offset, byteCount, number: store.#lineCount + 1 };
      store.#keep(store.#read(line), line);
    }
    return store;
  }

  /** Of different keys. */
  get count(): number {
    return this.#shelf.count();
  }

  /** How many of the records that stay in the file are in memory, too. */
  get recentCount(): number {
    return this.#recent?.count ?? 0;
  }

  has(key: K): boolean {
    return this.#shelf.has(this.#format.keyOf(key));
  }

  /** @throws PilotfishError as `open`, where records stay in the file and it is not what it was */
  get(key: K): T | null {
    const name = this.#format.keyOf(key);
    const recent = this.#recent?.get(name);
    if (recent !== undefined) return recent;
    const record = this.#shelf.get(name);
    if (record !== null) this.#recent?.add(name, record);
    return record;
  }

  /** On disk when it returns. @throws PilotfishError `disk-full`, `file-system-failed` */
  async add(...records: readonly T[]): Promise<void> {
    const { lineOf } = this.#format;
    const texts = records.map((record) => JSON.stringify(lineOf?.(record) ?? record));
    let offset = await appendTexts(this.#path, texts);
    for (const [index, record] of records.entries()) {
      const text = required(texts[index], 'every record has its line');
      const byteCount = Buffer.byteLength(text) + 1;
      this.#keep(record, { text, offset, byteCount, number: this.#lineCount + 1 });
      offset += byteCount;
    }
  }

  #keep(record: T, line: Line): void {
    const name = this.#format.keyOf(record);
    this.#lineCount = line.number;
    this.#shelf.keep(name, record, line);
    this.#recent?.add(name, record);
  }

  #read({ text, number }: Line): T {
    const { read, noun, code, remedy } = this.#format;
    const record = read(text);
    if (typeof record !== 'string') return record;
    const message = `Line ${number} of ${this.#path} is no ${noun}: ${record}.`;
    throw new PilotfishError(code, message, {
      remedy,
      fields: { path: this.#path, line: number },
    });
  }
}

/** What stays in memory of all records. */
interface Shelf<T> {
  count(): number;
  has(name: string): boolean;
  get(name: string): T | null;
  keep(name: string, record: T, line: Line): void;
}

type Place = Omit<Line, 'text'>;

function shelfFor<T>(memory: RecordMemory, readAt: (place: Place) => T): Shelf<T> {
  switch (memory) {
    case 'records':
      return shelf({ kept: (record: T) => record, recalled: (record) => record });
    case 'texts':
      return shelf({
        kept: (_, { text }) => Buffer.from(text),
        // It was read when it came in.
        recalled: (text) => JSON.parse(text.toString('utf8')) as T,
      });
    default:
      return shelf({
        kept: (_, { offset, byteCount, number }): Place => ({ offset, byteCount, number }),
        recalled: readAt,
      });
  }
}

interface Keeping<T, V> {
  readonly kept: (record: T, line: Line) => V;
  readonly recalled: (kept: V) => T;
}

function shelf<T, V>({ kept, recalled }: Keeping<T, V>): Shelf<T> {
  const all = new Map<string, V>();
  return {
    count: () => all.size,
    has: (name) => all.has(name),
    get: (name) => {
      const found = all.get(name);
      return found === undefined ? null : recalled(found);
    },
    keep: (name, record, line) => {
      all.set(name, kept(record, line));
    },
  };
}
