/**
 * Records of one kind in an append-only file, one line of JSON each, found by a key. It keeps
 * results that take long to compute, so that an interruption costs nothing that was added before.
 * Where several records share a key, the last one counts. Only one process at a time may use a
 * file.
 */
import type { z } from 'zod';
import { type ErrorCode, PilotfishError } from '../core/errors.ts';
import { required } from '../core/invariant.ts';
import { parseJson } from '../core/parse-json.ts';
import { RecentEntries } from '../core/recent-entries.ts';
import { appendTexts, type LinePlace, lineAt, linesOf } from './json-lines.ts';

export interface RecordFormat<T extends K, K = T> {
  /** The noun in messages, such as "answer": "Line 3 of … is no answer". */
  readonly noun: string;
  /** The record of a line, or the reason why the line is not a record (see `recordReader`). */
  readonly read: (line: string) => T | string;
  /** The value to write as JSON, which `read` reads back. Default: the record itself. */
  readonly lineOf?: (record: T) => unknown;
  readonly keyOf: (key: K) => string;
  /** The code of the error for a line that is not a record. */
  readonly code: ErrorCode;
  /** The remedy for such a line: "Delete the line: …". */
  readonly remedy: string;
  /** Default `records`. */
  readonly memory?: RecordMemory;
}

/**
 * The part of a record that stays in memory.
 *
 * - `records`: the record.
 * - `texts`: its line, which takes a fraction of the memory. For records that are their own lines.
 * - `recentCount`: its place in the file, and the record itself for that many recently used ones.
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
  /** Counted from 1. */
  readonly number: number;
}

/** @typeParam K the key of a record, which is a part of it */
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

  /** The number of different keys. */
  get count(): number {
    return this.#shelf.count();
  }

  /** How many of the records that stay in the file are in memory too. */
  get recentCount(): number {
    return this.#recent?.count ?? 0;
  }

  has(key: K): boolean {
    return this.#shelf.has(this.#format.keyOf(key));
  }

  /** @throws PilotfishError as `open`, where records stay in the file and the file has changed */
  get(key: K): T | null {
    const name = this.#format.keyOf(key);
    const recent = this.#recent?.get(name);
    if (recent !== undefined) return recent;
    const record = this.#shelf.get(name);
    if (record !== null) this.#recent?.add(name, record);
    return record;
  }

  /**
   * The records are on disk when it returns. @throws PilotfishError `disk-full`,
   * `file-system-failed`
   */
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

/** The memory of all records. */
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
        // The line was checked when it was added.
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
