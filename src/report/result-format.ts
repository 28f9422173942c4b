/**
 * Parses result files of `eval --json` and checks them field by field. The fields are described in
 * evaluation/results.ts; unknown fields are ignored.
 */
import { z } from 'zod';
import { PilotfishError } from '../core/errors.ts';
import { parseJson } from '../core/parse-json.ts';
import type { EvaluationResult } from '../evaluation/results.ts';
import { methodNamed } from '../strategy/strategy-value.ts';

const VERSION = 1;

const COUNT = z.number().int().nonnegative();
const FRACTION = z.number().min(0).max(1);
const AMOUNT = z.number().nonnegative();
const NUMBER_OR_NULL = z.number().nullable();
const ESTIMATE = z.object({ value: NUMBER_OR_NULL, low: NUMBER_OR_NULL, high: NUMBER_OR_NULL });
const AXIS = z.enum([
  'largeShare',
  'transmittedShare',
  'generatedFlopsRatio',
  'weightTrafficRatio',
]);

const UNIT = z.enum(['token', 'step', 'query']).nullable();

const POINT = z
  .object({
    strategy: z.string().min(1),
    unit: UNIT,
    // Older results lack this field: it is taken from today's methods.
    controlOf: UNIT.optional(),
    threshold: NUMBER_OR_NULL,
    seed: z.number(),
    n: COUNT,
    answeredCount: COUNT,
    accuracy: FRACTION,
    accuracyLow: FRACTION,
    accuracyHigh: FRACTION,
    tokenCount: AMOUNT,
    largeShare: FRACTION,
    verifiedShare: FRACTION,
    transmittedShare: FRACTION.nullable(),
    predictedShare: FRACTION.nullable(),
    largeForwards: AMOUNT,
    weightTrafficRatio: AMOUNT,
    generatedFlopsRatio: AMOUNT,
    processedFlopsRatio: AMOUNT,
    timeRatios: z.record(z.string(), AMOUNT),
    gapRecovered: NUMBER_OR_NULL,
    isOnFront: z.boolean(),
  })
  .transform(({ controlOf, ...point }) => ({
    ...point,
    controlOf:
      controlOf === undefined ? (methodNamed(point.strategy)?.controlOf ?? null) : controlOf,
  }));

const SUMMARY = z.object({
  axis: AXIS,
  apgr: NUMBER_OR_NULL,
  apgrLow: NUMBER_OR_NULL,
  apgrHigh: NUMBER_OR_NULL,
  cpt50: NUMBER_OR_NULL,
  cpt80: NUMBER_OR_NULL,
  cpt95: NUMBER_OR_NULL,
});

const COMPARISON = z.object({
  strategy: z.string(),
  control: z.string(),
  axis: AXIS,
  pointCount: COUNT,
  difference: ESTIMATE,
  pValue: FRACTION.nullable(),
  pairs: z.array(
    z.object({
      threshold: NUMBER_OR_NULL,
      controlThreshold: NUMBER_OR_NULL,
      cost: z.number(),
      controlCost: z.number(),
      onlyStrategyCount: AMOUNT,
      onlyControlCount: AMOUNT,
      pValue: FRACTION,
    }),
  ),
});

const GATE = z.object({
  gate: z.string(),
  tokenCount: COUNT,
  auc: NUMBER_OR_NULL,
  bins: z.array(
    z.object({ from: z.number(), to: z.number(), agreeCount: AMOUNT, differCount: AMOUNT }),
  ),
});

const EXAMPLE = z.object({
  questionId: z.string(),
  question: z.string(),
  answer: z.string(),
  answers: z.array(
    z.object({
      strategy: z.string(),
      threshold: NUMBER_OR_NULL,
      isRight: z.boolean(),
      extracted: z.string().nullable(),
      tokens: z.array(
        z.object({
          text: z.string(),
          origin: z.enum(['small', 'large', 'prompt-lookup']),
          score: NUMBER_OR_NULL,
        }),
      ),
    }),
  ),
});

const MODEL = z.object({ name: z.string(), digest: z.string() });

const RESULT: z.ZodType<EvaluationResult> = z.object({
  version: z.literal(VERSION),
  task: z.string().min(1),
  questionCount: COUNT,
  isScreened: z.boolean(),
  models: z.object({ small: MODEL, large: MODEL }),
  maxTokens: COUNT,
  gap: ESTIMATE,
  results: z.array(POINT).min(1, 'has no results'),
  summary: z.record(z.string(), SUMMARY),
  summaryByFlops: z.record(z.string(), SUMMARY),
  // Older results lack this field.
  summaryByTraffic: z.record(z.string(), SUMMARY).default({}),
  comparisons: z.array(COMPARISON),
  comparisonsByTraffic: z.array(COMPARISON).default([]),
  gates: z.array(GATE),
  examples: z.array(EXAMPLE),
});

/** The output of `eval --json` when it fails. */
const FAILURE = z.object({ type: z.literal('error'), message: z.string() });
const VERSIONED = z.object({ version: z.number() });

/** @param place for the error message: the file's path. @throws PilotfishError `result-invalid` */
export function parseResult(text: string, place: string): EvaluationResult {
  const value = parseJson(text, () => invalid(place, ...whyNoJson(text.trim())));
  const versioned = VERSIONED.safeParse(value);
  if (versioned.success && versioned.data.version !== VERSION) {
    const seen = `it is of version ${versioned.data.version}, and this program reads ${VERSION}`;
    throw invalid(place, seen, 'Evaluate again with this version of Pilotfish.');
  }
  const failed = FAILURE.safeParse(value);
  if (failed.success) throw invalid(place, `it holds an error, "${failed.data.message}"`, AGAIN);
  if (!versioned.success) throw invalid(place, 'it has no version', AGAIN);
  const parsed = RESULT.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`;
  throw invalid(place, `${issue?.message ?? 'unknown reason'}${where}`, AGAIN);
}

const AGAIN = 'Give a file that `pilotfish eval --json` wrote.';

function whyNoJson(text: string): [why: string, remedy: string] {
  if (text === '') return ['it is empty', AGAIN];
  if (text.startsWith('{') && !text.endsWith('}')) {
    return ['it ends in the middle', 'Copy the whole file, or evaluate again.'];
  }
  if (text.startsWith('> ')) {
    return ["it begins with npm's own lines", 'Write it with `npm start --silent -- eval --json`.'];
  }
  return ['it is not JSON', AGAIN];
}

function invalid(place: string, why: string, remedy: string): PilotfishError {
  return new PilotfishError('result-invalid', `${place} is no evaluation result: ${why}.`, {
    remedy,
    fields: { path: place },
  });
}
