/**
 * Recorded runs, read back from the lines that `ask --json` and `compare --json` write, in any
 * version. Only the fields that re-costing needs are checked; unknown fields and kinds of lines are
 * ignored.
 */
import { z } from 'zod';
import { PilotfishError } from '../core/errors.ts';
import { LOG_VERSION } from '../core/events.ts';
import type { ModelId } from '../core/model-id.ts';
import { parseJson } from '../core/parse-json.ts';
import { type LoggedStart, startSchema } from './logged-start.ts';

export interface LoggedToken {
  readonly type: 'token';
  readonly origin: string;
  readonly verified: boolean;
  readonly logprob: number | null;
}

export interface LoggedWork {
  readonly type: 'work';
  readonly model: ModelId;
  readonly purpose: string;
  readonly rowCounts: readonly number[];
  readonly outputRowCount: number;
  readonly computeMs: number;
  /** The rows that the cache saved. */
  readonly reusedRowCount: number;
}

export interface RecordedRun {
  /** The name of the run in a comparison; null for a single run. */
  readonly name: string | null;
  readonly start: LoggedStart;
  readonly events: readonly (LoggedToken | LoggedWork)[];
  /** Null if the log ends before the run does. */
  readonly summary: { readonly elapsedMs: number; readonly firstTokenMs: number | null } | null;
}

export interface RunLog {
  readonly runs: readonly RecordedRun[];
  /** Whether the last line was cut off. */
  readonly isCut: boolean;
}

const COUNT = z.number().int().nonnegative();
const AMOUNT = z.number().finite().nonnegative();

const TOKEN: z.ZodType<LoggedToken> = z.object({
  type: z.literal('token'),
  origin: z.string(),
  verified: z.boolean(),
  logprob: z.number().nullable(),
});

const WORK: z.ZodType<LoggedWork> = z.object({
  type: z.literal('work'),
  model: z.string(),
  purpose: z.string(),
  rowCounts: z.array(COUNT.min(1)),
  outputRowCount: COUNT,
  computeMs: AMOUNT,
  reusedRowCount: COUNT.default(0),
});

const SUMMARY: z.ZodType<{ elapsedMs: number; firstTokenMs: number | null }> = z.object({
  elapsedMs: AMOUNT,
  firstTokenMs: AMOUNT.nullable(),
});

const LINE = z.object({
  type: z.string(),
  run: z.string().optional(),
  version: z.unknown().optional(),
});

/**
 * @param text lines of JSON; empty lines are ignored
 * @throws PilotfishError `log-invalid`, naming the line
 */
export function parseRunLog(text: string): RunLog {
  const reader = new LogReader();
  const lines = text.split('\n');
  const last = lines.findLastIndex((line) => line.trim() !== '');
  if (last < 0) throw invalid(1, 'the log is empty');
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const parsed = parseJson(line);
    // A program that was killed leaves half a line at the end.
    if (parsed === undefined && index === last && index > 0) {
      return { runs: reader.runs, isCut: true };
    }
    if (parsed === undefined) throw invalid(index + 1, 'it is not JSON');
    reader.take(parsed, index + 1);
  }
  return { runs: reader.runs, isCut: false };
}

type OpenRun = {
  -readonly [K in keyof RecordedRun]: K extends 'events'
    ? (LoggedToken | LoggedWork)[]
    : RecordedRun[K];
};

class LogReader {
  readonly runs: OpenRun[] = [];
  /** Whether work names the label of its model instead of its id, as in version 1. */
  #namesLabels = false;

  take(value: unknown, lineNumber: number): void {
    const { type, run: name, version } = checked(LINE, value, lineNumber);
    if (type === 'start') {
      const schema = startSchema(version);
      if (schema === null) throw unknownVersion(lineNumber, version);
      this.#namesLabels = version === undefined;
      const start = checked(schema, value, lineNumber);
      this.runs.push({ name: name ?? null, start, events: [], summary: null });
      return;
    }
    const run = this.runs.at(-1);
    if (run === undefined) throw invalid(lineNumber, `a run begins with "start", not "${type}"`);
    if (type === 'token') run.events.push(checked(TOKEN, value, lineNumber));
    else if (type === 'work') run.events.push(this.#work(value, run.start, lineNumber));
    else if (type === 'summary') run.summary = checked(SUMMARY, value, lineNumber);
  }

  #work(value: unknown, { models, labels }: LoggedStart, lineNumber: number): LoggedWork {
    const work = checked(WORK, value, lineNumber);
    const named = this.#namesLabels ? new Map(Object.entries(labels)).get(work.model) : work.model;
    if (named !== undefined && Object.hasOwn(models, named)) return { ...work, model: named };
    throw invalid(lineNumber, `its run has no model ${JSON.stringify(work.model)}`);
  }
}

function checked<T>(schema: z.ZodType<T>, value: unknown, lineNumber: number): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') ?? '';
  const where = field === '' ? '' : ` at ${field}`;
  throw invalid(lineNumber, `${issue?.message ?? 'it is not an event'}${where}`);
}

function unknownVersion(lineNumber: number, version: unknown): PilotfishError {
  return invalid(
    lineNumber,
    `it is of version ${JSON.stringify(version)}, and this program reads 1 and ${LOG_VERSION}`,
    'Update Pilotfish, or record the run again with this version.',
  );
}

const AS_WRITTEN =
  'Give a log as "pilotfish ask --json" writes it, without lines of npm (npm start --silent).';

function invalid(lineNumber: number, why: string, remedy: string = AS_WRITTEN): PilotfishError {
  return new PilotfishError('log-invalid', `Line ${lineNumber} of the log is wrong: ${why}.`, {
    remedy,
    fields: { line: lineNumber },
  });
}
