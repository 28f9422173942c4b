/**
 * Recorded runs, read back from their lines: what `ask --json` and `compare --json` write. Only what
 * re-costing needs is looked at; fields and kinds of lines that are not known are left alone, so that
 * logs of other versions can be read.
 */
import { z } from 'zod';
import { PilotfishError } from '../core/errors.ts';
import type { ByRole, ModelRole, ParameterCounts } from '../core/events.ts';

export interface LoggedStart {
  readonly models: ByRole<string>;
  readonly parameterCounts: ByRole<ParameterCounts>;
  readonly weightBytes: ByRole<number>;
  /** Absent in logs of older versions. */
  readonly kvBytesPerToken?: ByRole<number> | undefined;
  readonly strategy: string;
  readonly sampling: { readonly temperature: number };
  readonly promptTokenCount: number;
  readonly prefillChunkRowCount: number;
}

export interface LoggedToken {
  readonly type: 'token';
  readonly origin: string;
  readonly verified: boolean;
  readonly logprob: number | null;
}

export interface LoggedWork {
  readonly type: 'work';
  readonly model: ModelRole;
  readonly purpose: string;
  readonly rowCounts: readonly number[];
  readonly outputRowCount: number;
  readonly computeMs: number;
  /** Rows of the prompt that were in the cache already. */
  readonly reusedRowCount: number;
}

export interface RecordedRun {
  /** Which run of a comparison it is; null for a single one. */
  readonly name: string | null;
  readonly start: LoggedStart;
  readonly events: readonly (LoggedToken | LoggedWork)[];
  /** Null where the log ends before the run did. */
  readonly summary: { readonly elapsedMs: number; readonly firstTokenMs: number | null } | null;
}

export interface RunLog {
  readonly runs: readonly RecordedRun[];
  /** True if the last line was cut off in the middle. */
  readonly isCut: boolean;
}

const COUNT = z.number().int().nonnegative();
const AMOUNT = z.number().finite().nonnegative();

function byRole<T extends z.ZodType>(value: T) {
  return z.object({ small: value.nullable(), large: value.nullable() });
}

const START: z.ZodType<LoggedStart> = z.object({
  models: byRole(z.string()),
  parameterCounts: byRole(z.object({ body: COUNT, outputHead: COUNT })),
  weightBytes: byRole(COUNT),
  kvBytesPerToken: byRole(AMOUNT).optional(),
  strategy: z.string(),
  sampling: z.object({ temperature: z.number() }),
  promptTokenCount: COUNT.min(1),
  prefillChunkRowCount: COUNT.min(1),
});

const TOKEN: z.ZodType<LoggedToken> = z.object({
  type: z.literal('token'),
  origin: z.string(),
  verified: z.boolean(),
  logprob: z.number().nullable(),
});

const WORK: z.ZodType<LoggedWork> = z.object({
  type: z.literal('work'),
  model: z.enum(['small', 'large']),
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

const LINE = z.object({ type: z.string(), run: z.string().optional() });

/**
 * @param text lines of JSON; empty ones count for nothing
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
    // A program that was killed leaves half a line behind.
    if (parsed === undefined && index === last && index > 0) {
      return { runs: reader.runs, isCut: true };
    }
    if (parsed === undefined) throw invalid(index + 1, 'it is no JSON');
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

  take(value: unknown, lineNumber: number): void {
    const { type, run: name } = checked(LINE, value, lineNumber);
    if (type === 'start') {
      const start = checked(START, value, lineNumber);
      this.runs.push({ name: name ?? null, start, events: [], summary: null });
      return;
    }
    const run = this.runs.at(-1);
    if (run === undefined) throw invalid(lineNumber, `a run begins with "start", not "${type}"`);
    if (type === 'token') run.events.push(checked(TOKEN, value, lineNumber));
    else if (type === 'work') run.events.push(checked(WORK, value, lineNumber));
    else if (type === 'summary') run.summary = checked(SUMMARY, value, lineNumber);
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function checked<T>(schema: z.ZodType<T>, value: unknown, lineNumber: number): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') ?? '';
  const where = field === '' ? '' : ` at ${field}`;
  throw invalid(lineNumber, `${issue?.message ?? 'it is no event'}${where}`);
}

function invalid(lineNumber: number, why: string): PilotfishError {
  return new PilotfishError('log-invalid', `Line ${lineNumber} of the log is wrong: ${why}.`, {
    remedy:
      'Give a log as "pilotfish ask --json" writes it, without lines of npm (npm start --silent).',
    fields: { line: lineNumber },
  });
}
