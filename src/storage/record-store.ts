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

interface Place extends LinePlace {
  /** From 1 on. */
  readonly lineNumber: number;
}

/** @typeParam K what a record is found by, which is a part of it */
export class RecordStore<T extends K & object, K = T> {
  readonly #path: string;
  readonly #format: RecordFormat<T, K>;
  readonly #shelf: Shelf<T>;
  #lineCount = 0;

  private constructor(path: string, format: RecordFormat<T, K>) {
    this.#path = path;
    this.#format = format;
    this.#shelf = shelfFor(format.memory ?? 'records', (place) =>
      this.#read(lineAt(path, place), place),
    );
  }

  /** @throws PilotfishError of the format's code, naming the line; `file-system-failed` */
  static async open<T extends K & object, K = T>(
    path: string,
    format: RecordFormat<T, K>,
  ): Promise<RecordStore<T, K>> {
    const store = new RecordStore(path, format);
    for await (const line of linesOf(path)) {
      const place = store.#nextPlace(line);
      store.#keep(store.#read(line.text, place), place, line.text);
    }
    return store;
  }

  /** Of different keys. */
  get count(): number {
    return this.#shelf.count;
  }

  /** How many records are in memory as such. */
  get recordCount(): number {
    return this.#shelf.recordCount;
  }

  has(key: K): boolean {
    return this.#shelf.has(this.#format.keyOf(key));
  }

  /** @throws PilotfishError as `open`, where records stay in the file and it is not what it was */
  get(key: K): T | null {
    return this.#shelf.get(this.#format.keyOf(key));
  }

  /** On disk when it returns. @throws PilotfishError `disk-full`, `file-system-failed` */
  async add(...records: readonly T[]): Promise<void> {
    const { lineOf } = this.#format;
    const texts = records.map((record) => JSON.stringify(lineOf?.(record) ?? record));
    let offset = await appendTexts(this.#path, texts);
    for (const [index, record] of records.entries()) {
      const text = required(texts[index], 'every record has its line');
      const byteCount = Buffer.byteLength(text) + 1;
      this.#keep(record, this.#nextPlace({ offset, byteCount }), text);
      offset += byteCount;
    }
  }

  #nextPlace({ offset, byteCount }: LinePlace): Place {
    this.#lineCount += 1;
    return { offset, byteCount, lineNumber: this.#lineCount };
  }

  #keep(record: T, place: Place, text: string): void {
    this.#shelf.keep(this.#format.keyOf(record), record, place, text);
  }

  #read(line: string, { lineNumber }: Place): T {
    const { read, noun, code, remedy } = this.#format;
    const record = read(line);
    if (typeof record !== 'string') return record;
    const message = `Line ${lineNumber} of ${this.#path} is no ${noun}: ${record}.`;
    throw new PilotfishError(code, message, {
      remedy,
      fields: { path: this.#path, line: lineNumber },
    });
  }
}

/** What stays in memory of all records. */
interface Shelf<T> {
  /** Of keys. */
  readonly count: number;
  /** Of records that are in memory as such. */
  readonly recordCount: number;
  has(key: string): boolean;
  get(key: string): T | null;
  keep(key: string, record: T, place: Place, text: string): void;
}

function shelfFor<T extends object>(memory: RecordMemory, readAt: (place: Place) => T): Shelf<T> {
  if (memory === 'records') return new RecordShelf();
  if (memory === 'texts') return new TextShelf();
  return new RecentShelf(memory.recentCount, readAt);
}

class RecordShelf<T> implements Shelf<T> {
  readonly #records = new Map<string, T>();

  get count(): number {
    return this.#records.size;
  }

  get recordCount(): number {
    return this.#records.size;
  }

  has(key: string): boolean {
    return this.#records.has(key);
  }

  get(key: string): T | null {
    return this.#records.get(key) ?? null;
  }

  keep(key: string, record: T): void {
    this.#records.set(key, record);
  }
}

class TextShelf<T> implements Shelf<T> {
  readonly recordCount = 0;
  readonly #texts = new Map<string, Buffer>();

  get count(): number {
    return this.#texts.size;
  }

  has(key: string): boolean {
    return this.#texts.has(key);
  }

  get(key: string): T | null {
    const text = this.#texts.get(key);
    // It was read when it came in.
    return text === undefined ? null : (JSON.parse(text.toString('utf8')) as T);
  }

  keep(key: string, _record: T, _place: Place, text: string): void {
    this.#texts.set(key, Buffer.from(text));
  }
}

class RecentShelf<T> implements Shelf<T> {
  readonly #places = new Map<string, Place>();
  readonly #recent: RecentEntries<T>;
  readonly #readAt: (place: Place) => T;

  constructor(recentCount: number, readAt: (place: Place) => T) {
    this.#recent = new RecentEntries(recentCount);
    this.#readAt = readAt;
  }

  get count(): number {
    return this.#places.size;
  }

  get recordCount(): number {
    return this.#recent.count;
  }

  has(key: string): boolean {
    return this.#places.has(key);
  }

  get(key: string): T | null {
    const place = this.#places.get(key);
    if (place === undefined) return null;
    const known = this.#recent.get(key);
    if (known !== undefined) return known;
    const record = this.#readAt(place);
    this.#recent.add(key, record);
    return record;
  }

  keep(key: string, record: T, place: Place): void {
    this.#places.set(key, place);
    this.#recent.add(key, record);
  }
}
