/**
 * Routers as files: safetensors with weights in half precision, and all other facts as JSON in the
 * header.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { PilotfishError } from '../core/errors.ts';
import { parseJson } from '../core/parse-json.ts';
import { TOP_LOGPROBS_MAX } from '../core/row-reads.ts';
import {
  foldedNetworkFromTensors,
  foldedNetworkTensors,
} from '../network/folded-network-tensors.ts';
import { decodeTensors, encodeTensors, type Tensor, type Tensors } from '../network/safetensors.ts';
import type { Router } from './router.ts';
import { featureSize } from './router-features.ts';

const FORMAT = 'pilotfish-router';
/** The version of the format. Files of later versions are refused. */
export const ROUTER_VERSION = 2;
/** Its calibrations have no cuts, and interpolate thresholds between a few points. */
const VERSION_WITHOUT_CUTS = 1;

const MODEL = z.object({ name: z.string(), digest: z.string() });
const SHARE = z.number().min(0).max(1);

const CALIBRATION = z.object({
  on: z.string(),
  cuts: z.array(z.object({ threshold: z.number(), share: SHARE })),
  points: z.array(
    z.object({
      threshold: z.number(),
      predictedShare: SHARE,
      share: SHARE,
      agreement: SHARE,
      gapRecovered: z.number().nullable(),
    }),
  ),
});

const FACTS = z.object({
  strategy: z.string(),
  pair: z.object({ small: MODEL, large: MODEL }),
  hiddenSize: z.number().int().positive(),
  features: z.object({
    hidden: z.boolean(),
    topLogprobs: z.number().int().min(0).max(TOP_LOGPROBS_MAX),
    // Files from before this feature lack the field.
    tokenEmbedding: z.boolean().default(false),
  }),
  temperature: z.number().positive(),
  defaultThreshold: z.number(),
  calibration: CALIBRATION.nullable(),
  reliability: z.array(
    z.object({ predicted: SHARE, observed: SHARE, count: z.number().int().positive() }),
  ),
  training: z.record(z.string(), z.union([z.string(), z.number()])),
});

/** Of such a calibration only its questions are of use: the default threshold was chosen on them. */
const FACTS_WITHOUT_CUTS = FACTS.extend({
  calibration: z
    .object({ on: z.string() })
    .transform(({ on }) => ({ on, cuts: [], points: [] }))
    .nullable(),
});

const SCHEMAS = new Map<string, typeof FACTS | typeof FACTS_WITHOUT_CUTS>([
  [String(VERSION_WITHOUT_CUTS), FACTS_WITHOUT_CUTS],
  [String(ROUTER_VERSION), FACTS],
]);

/** Questions as numbers below 2^48 (see `questionNumber`), each as two words of 24 bits. */
const TRAINED_ON = 'trained_on';
const CALIBRATED_ON = 'calibrated_on';
const WORD = 2 ** 24;

/** @param router without its digest, which is the digest of the bytes */
export function encodeRouter(router: Omit<Router, 'digest'>): Uint8Array {
  const { network, trainedOn, calibratedOn, ...facts } = router;
  const tensors = foldedNetworkTensors(network);
  tensors.set(TRAINED_ON, numbersTensor(trainedOn));
  tensors.set(CALIBRATED_ON, numbersTensor(calibratedOn));
  const metadata = {
    format: FORMAT,
    version: String(ROUTER_VERSION),
    facts: JSON.stringify(FACTS.parse(facts)),
  };
  return encodeTensors({ tensors, metadata });
}

/** @throws PilotfishError `head-invalid`, naming the fault */
export function decodeRouter(bytes: Uint8Array): Router {
  const { metadata, tensors } = decodeTensors(bytes);
  if (metadata['format'] !== FORMAT) throw invalid('it holds no router');
  const version = metadata['version'] ?? 'none';
  const schema = SCHEMAS.get(version);
  if (schema === undefined) {
    throw invalid(`its version is ${version}, not ${ROUTER_VERSION} or earlier`);
  }
  const parsed = schema.safeParse(parseJson(metadata['facts'] ?? ''));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`${issue?.path.join('.') || 'its description'}: ${issue?.message}`);
  }
  const network = foldedNetworkFromTensors(tensors);
  const { features, hiddenSize } = parsed.data;
  const size = featureSize(features, hiddenSize);
  if (network.inputSize !== size) {
    throw invalid(`its network reads ${network.inputSize} features, not ${size}`);
  }
  return {
    ...parsed.data,
    network,
    trainedOn: numbersOf(tensors, TRAINED_ON),
    calibratedOn: numbersOf(tensors, CALIBRATED_ON),
    digest: createHash('sha256').update(bytes).digest('hex'),
  };
}

/**
 * Required: without these numbers it is unknown on which questions the router must not be evaluated.
 */
function numbersOf(tensors: Tensors, name: string): ReadonlySet<number> {
  const words = tensors.get(name);
  const [count = 0, width, ...more] = words?.shape ?? [];
  const fits = words?.dtype === 'I32' && width === 2 && more.length === 0;
  if (!fits || !words.values.every((word) => word >= 0 && word < WORD)) {
    throw invalid(`${name} is not a list of questions`);
  }
  const { values } = words;
  const word = (at: number): number => values[at] ?? 0;
  return new Set(Array.from({ length: count }, (_, at) => word(2 * at) * WORD + word(2 * at + 1)));
}

function numbersTensor(numbers: ReadonlySet<number>): Tensor {
  const sorted = [...numbers].sort((a, b) => a - b);
  const words = sorted.flatMap((number) => [Math.floor(number / WORD), number % WORD]);
  return { dtype: 'I32', shape: [sorted.length, 2], values: Int32Array.from(words) };
}

function invalid(why: string): PilotfishError {
  return new PilotfishError('head-invalid', `The file cannot be used as a router: ${why}.`, {
    remedy: 'Train one with `pilotfish train router`, or name another file.',
  });
}
