/**
 * Routers as files: safetensors with weights in half precision, everything else as JSON in its header.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { PilotfishError } from '../core/errors.ts';
import { foldedNetworkOf, foldedNetworkTensors } from '../network/folded-network-tensors.ts';
import { decodeSafetensors, encodeSafetensors } from '../network/safetensors.ts';
import type { Router } from './router.ts';
import { featureSize } from './router-features.ts';

const FORMAT = 'pilotfish-router';
/** Of the format: files of other versions are refused. */
export const ROUTER_VERSION = 1;

const MODEL = z.object({ name: z.string(), digest: z.string() });
const SHARE = z.number().min(0).max(1);

const FACTS = z.object({
  strategy: z.string(),
  pair: z.object({ small: MODEL, large: MODEL }),
  hiddenSize: z.number().int().positive(),
  features: z.object({ hidden: z.boolean(), topLogprobs: z.number().int().min(0) }),
  temperature: z.number().positive(),
  defaultThreshold: z.number(),
  calibration: z
    .object({
      on: z.string(),
      points: z.array(
        z.object({
          threshold: z.number(),
          share: SHARE,
          agreement: SHARE,
          gapRecovered: z.number().nullable(),
        }),
      ),
    })
    .nullable(),
  training: z.record(z.string(), z.union([z.string(), z.number()])),
});

/** What questions a router was trained on, as numbers below 2^48 (see `questionNumber`). */
const TRAINED_ON = 'trained_on';
const WORD = 2 ** 24;

export function encodeRouter(router: Omit<Router, 'digest'>): Uint8Array {
  const { network, trainedOn, ...facts } = router;
  const numbers = [...trainedOn].sort((a, b) => a - b);
  const words = numbers.flatMap((number) => [Math.floor(number / WORD), number % WORD]);
  return encodeSafetensors({
    metadata: {
      format: FORMAT,
      version: String(ROUTER_VERSION),
      facts: JSON.stringify(FACTS.parse(facts)),
    },
    tensors: {
      ...foldedNetworkTensors(network),
      [TRAINED_ON]: { shape: [numbers.length, 2], data: Int32Array.from(words) },
    },
  });
}

/**
 * @param name of the file, for errors
 * @throws PilotfishError `head-invalid`
 */
export function decodeRouter(bytes: Uint8Array, name: string): Router {
  const { metadata, tensors } = decodeSafetensors(bytes, name);
  if (metadata['format'] !== FORMAT) throw invalid(name, 'it holds no router');
  const version = metadata['version'] ?? 'none';
  if (version !== String(ROUTER_VERSION)) {
    throw invalid(name, `its version is ${version}, not ${ROUTER_VERSION}`);
  }
  const parsed = FACTS.safeParse(parsedJson(metadata['facts'] ?? ''));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(name, `${issue?.path.join('.') || 'its description'}: ${issue?.message}`);
  }
  const { [TRAINED_ON]: trainedOn, ...weights } = tensors;
  const network = foldedNetworkOf(weights, name);
  const { features, hiddenSize } = parsed.data;
  const size = featureSize(features, hiddenSize);
  if (network.inputSize !== size) {
    throw invalid(name, `its network reads ${network.inputSize} features, not ${size}`);
  }
  return {
    ...parsed.data,
    network,
    trainedOn: new Set(numbersOf(trainedOn?.data ?? new Int32Array(0))),
    digest: createHash('sha256').update(bytes).digest('hex'),
  };
}

function numbersOf(words: ArrayLike<number>): number[] {
  return Array.from(
    { length: Math.floor(words.length / 2) },
    (_, index) => (words[2 * index] ?? 0) * WORD + (words[2 * index + 1] ?? 0),
  );
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function invalid(name: string, why: string): PilotfishError {
  return new PilotfishError('head-invalid', `${name} cannot be used as a router: ${why}.`, {
    remedy: 'Train one with `pilotfish train router`, or name another file.',
    fields: { name },
  });
}
