/**
 * Forwards as an answer's record holds them, and their short form in its line:
 *   [tokens written before, code of the model, purpose, output rows, rows of each forward …]
 * Amounts that are rarely other than 0 follow in an object: `{"reused":5,"up":120,"down":48}`, and so does
 * the bill of a server: `{"billed":[calls, input tokens, cached ones, output tokens]}`. The codes of models
 * stand in the folder's manifest.
 */
import { z } from 'zod';
import type { BilledTokens, WorkEvent, WorkPurpose } from '../../core/events.ts';
import { required } from '../../core/invariant.ts';
import type { ModelCodes } from './manifest.ts';

/** The work of one model, without its times. */
export interface RecordedWork extends Omit<WorkEvent, 'type' | 'waitedMs' | 'computeMs'> {
  /** Tokens written before it. */
  readonly tokenCount: number;
}

interface RareAmounts {
  readonly reused?: number | undefined;
  readonly up?: number | undefined;
  readonly down?: number | undefined;
  readonly billed?: BilledLine | undefined;
}

type BilledLine = readonly [calls: number, input: number, cached: number, output: number];

export type WorkLine = readonly [
  tokenCount: number,
  code: string,
  purpose: WorkPurpose,
  outputRowCount: number,
  ...rest: (number | RareAmounts)[],
];

const COUNT = z.number().int().nonnegative();
const PURPOSES = ['prefill', 'draft', 'verify', 'route', 'reward', 'correct', 'catch-up'] as const;
const RARE = z.strictObject({
  reused: COUNT.optional(),
  up: COUNT.optional(),
  down: COUNT.optional(),
  billed: z.tuple([COUNT, COUNT, COUNT, COUNT]).optional(),
});

export const WORK_LINE: z.ZodType<WorkLine> = z
  .tuple([COUNT, z.string(), z.enum(PURPOSES), COUNT])
  .rest(z.union([COUNT, RARE]))
  .refine(
    ([, , , , ...rest]) => rest.slice(0, -1).every((amount) => typeof amount === 'number'),
    'its rows are not numbers',
  );

/** @throws InvariantError for a model without a code */
export function workLine(work: RecordedWork, codes: ModelCodes): WorkLine {
  const { tokenCount, model, purpose, outputRowCount, rowCounts } = work;
  const { reusedRowCount: reused, bytesUp: up, bytesDown: down, billed } = work;
  const rare = Object.entries({ reused, up, down, billed: billed && billedLine(billed) }).filter(
    ([, amount]) => amount !== 0 && amount !== undefined,
  );
  const rest = rare.length === 0 ? rowCounts : [...rowCounts, Object.fromEntries(rare)];
  return [tokenCount, codes.codeOf(model), purpose, outputRowCount, ...rest];
}

/** @throws InvariantError for a code without a model */
export function recordedWork(line: WorkLine, codes: ModelCodes): RecordedWork {
  const [tokenCount, code, purpose, outputRowCount, ...rest] = line;
  const rare = rest.find((amount) => typeof amount === 'object');
  return {
    tokenCount,
    model: required(codes.idOf(code), `${code} is the code of a model`),
    purpose,
    rowCounts: rest.filter((amount) => typeof amount === 'number'),
    outputRowCount,
    reusedRowCount: rare?.reused ?? 0,
    bytesUp: rare?.up ?? 0,
    bytesDown: rare?.down ?? 0,
    ...(rare?.billed === undefined ? {} : { billed: billedTokens(rare.billed) }),
  };
}

function billedLine({ callCount, inputCount, cachedCount, outputCount }: BilledTokens): BilledLine {
  return [callCount, inputCount, cachedCount, outputCount];
}

function billedTokens([callCount, inputCount, cachedCount, outputCount]: BilledLine): BilledTokens {
  return { callCount, inputCount, cachedCount, outputCount };
}
