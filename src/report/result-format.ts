/**
 * Parses result files of `eval --json` and checks them field by field. The fields are described in
 * evaluation/results.ts; unknown fields are ignored.
 */
import { z } from 'zod';
import { PilotfishError } from '../core/errors.ts';
import { parseJson } from '../core/parse-json.ts';
import { type CurveSummary, type EvaluationResult, RESULT_VERSION } from '../evaluation/results.ts';
import { methodNamed } from '../strategy/strategy-value.ts';

const COUNT = z.number().int().nonnegative();
const FRACTION = z.number().min(0).max(1);
const AMOUNT = z.number().nonnegative();
const NUMBER_OR_NULL = z.number().nullable();
const ESTIMATE = z.object({ value: NUMBER_OR_NULL, low: NUMBER_OR_NULL, high: NUMBER_OR_NULL });
const AXIS = z.enum([
  'largeShare',
  'transmittedShare',
  'writtenFlopsRatio',
  'generatedFlopsRatio',
  'weightTrafficRatio',
]);

const UNIT = z.enum(['token', 'draft', 'step', 'query']).nullable();

const BILL = z.object({
  callCount: AMOUNT,
  inputCount: AMOUNT,
  newInputCount: AMOUNT,
  outputCount: AMOUNT,
  bytesUp: AMOUNT,
  bytesDown: AMOUNT,
});

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
    // Results of version 2 and 1 lack these four.
    overLarge: ESTIMATE.default({ value: null, low: null, high: null }),
    stepCount: AMOUNT.nullable().default(null),
    rejectedShare: FRACTION.nullable().default(null),
    writtenFlopsRatio: AMOUNT.nullable().default(null),
    transmittedShare: FRACTION.nullable(),
    predictedShare: FRACTION.nullable(),
    largeForwards: AMOUNT,
    weightTrafficRatio: AMOUNT,
    generatedFlopsRatio: AMOUNT,
    processedFlopsRatio: AMOUNT,
    // Results without a server, and older ones, lack it.
    bill: BILL.nullable().default(null),
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
  apgr: ESTIMATE,
  cpt50: ESTIMATE,
  cpt80: ESTIMATE,
  cpt95: ESTIMATE,
});

const COMPARISON = z.object({
  strategy: z.string(),
  other: z.string(),
  otherIs: z.enum(['control', 'rule', 'method']),
  axis: AXIS,
  difference: ESTIMATE,
  lacks: z.array(
    z.object({
      strategy: z.string(),
      pointCount: COUNT,
      from: NUMBER_OR_NULL,
      to: NUMBER_OR_NULL,
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

const ACCEPTANCE = z.array(
  z.object({
    name: z.string(),
    judgedCount: COUNT,
    acceptedShare: FRACTION,
    low: FRACTION,
    high: FRACTION,
  }),
);

const STEPS = z.object({
  strategy: z.string(),
  threshold: NUMBER_OR_NULL,
  byPosition: ACCEPTANCE,
  byDifficulty: ACCEPTANCE,
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

const REST = z.object({
  task: z.string().min(1),
  questionCount: COUNT,
  isScreened: z.boolean(),
  models: z.object({
    ...{ small: MODEL, large: MODEL },
    ...{ reward: MODEL.optional(), judge: MODEL.optional(), hub: MODEL.optional() },
  }),
  maxTokens: COUNT,
  // Earlier results lack these two.
  temperature: z.number().nonnegative().nullable().default(null),
  options: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  gap: ESTIMATE,
  results: z.array(POINT).min(1, 'has no results'),
  gates: z.array(GATE),
  examples: z.array(EXAMPLE),
});

const COMPARED = REST.extend({
  summary: z.record(z.string(), SUMMARY),
  summaryByFlops: z.record(z.string(), SUMMARY),
  summaryByTraffic: z.record(z.string(), SUMMARY),
  interval: z.object({ low: FRACTION, high: FRACTION }).nullable(),
  comparisons: z.array(COMPARISON),
  comparisonsByTraffic: z.array(COMPARISON),
});

const RESULT_3: z.ZodType<EvaluationResult> = COMPARED.extend({
  version: z.literal(RESULT_VERSION),
  summaryByWrittenFlops: z.record(z.string(), SUMMARY),
  comparisonsByWrittenFlops: z.array(COMPARISON),
  stepAcceptance: z.array(STEPS),
});

/** What version 2 did not count. */
const UNCOUNTED = { summaryByWrittenFlops: {}, comparisonsByWrittenFlops: [], stepAcceptance: [] };

const RESULT_2 = COMPARED.extend({ version: z.literal(2) }).transform(
  (result): EvaluationResult => ({ ...result, ...UNCOUNTED, version: RESULT_VERSION }),
);

const SUMMARY_1 = z
  .object({
    axis: AXIS,
    apgr: NUMBER_OR_NULL,
    apgrLow: NUMBER_OR_NULL,
    apgrHigh: NUMBER_OR_NULL,
    cpt50: NUMBER_OR_NULL,
    cpt80: NUMBER_OR_NULL,
    cpt95: NUMBER_OR_NULL,
  })
  .transform(({ axis, apgr, apgrLow, apgrHigh, cpt50, cpt80, cpt95 }): CurveSummary => {
    const alone = (value: number | null) => ({ value, low: null, high: null });
    const cpts = { cpt50: alone(cpt50), cpt80: alone(cpt80), cpt95: alone(cpt95) };
    return { axis, apgr: { value: apgr, low: apgrLow, high: apgrHigh }, ...cpts };
  });

/** Comparisons of version 1 selected points by their outcome: they are not read. */
const RESULT_1 = REST.extend({
  version: z.literal(1),
  summary: z.record(z.string(), SUMMARY_1),
  summaryByFlops: z.record(z.string(), SUMMARY_1),
  // The oldest results lack this field.
  summaryByTraffic: z.record(z.string(), SUMMARY_1).default({}),
}).transform((result): EvaluationResult => {
  const none = { interval: null, comparisons: [], comparisonsByTraffic: [] };
  return { ...result, ...UNCOUNTED, version: RESULT_VERSION, ...none };
});

const SCHEMAS: ReadonlyMap<number, z.ZodType<EvaluationResult>> = new Map<
  number,
  z.ZodType<EvaluationResult>
>([
  [1, RESULT_1],
  [2, RESULT_2],
  [RESULT_VERSION, RESULT_3],
]);

/** The output of `eval --json` when it fails. */
const FAILURE = z.object({ type: z.literal('error'), message: z.string() });
const VERSIONED = z.object({ version: z.number() });

/** @param place for the error message: the file's path. @throws PilotfishError `result-invalid` */
export function parseResult(text: string, place: string): EvaluationResult {
  const value = parseJson(text, () => invalid(place, ...whyNoJson(text.trim())));
  const versioned = VERSIONED.safeParse(value);
  const version = versioned.success ? versioned.data.version : RESULT_VERSION;
  const schema = SCHEMAS.get(version);
  if (schema === undefined) {
    const seen = `it is of version ${version}, and this program reads up to ${RESULT_VERSION}`;
    throw invalid(place, seen, 'Evaluate again with this version of Pilotfish.');
  }
  const failed = FAILURE.safeParse(value);
  if (failed.success) throw invalid(place, `it holds an error, "${failed.data.message}"`, AGAIN);
  if (!versioned.success) throw invalid(place, 'it has no version', AGAIN);
  const parsed = schema.safeParse(value);
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
