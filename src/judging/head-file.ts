/**
 * Heads as files: safetensors with weights in half precision, and all other facts as JSON in the header.
 * The format of a kind says what its facts are (router-file.ts, reward-file.ts, uhlm-fit-file.ts).
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { PilotfishError } from '../core/errors.ts';
import { parseJson } from '../core/parse-json.ts';
import {
  foldedNetworkFromTensors,
  foldedNetworkTensors,
} from '../network/folded-network-tensors.ts';
import { decodeTensors, encodeTensors, type Tensor, type Tensors } from '../network/safetensors.ts';
import type { BoundFacts, HeadContent, HeadFacts, SeenQuestions } from './head.ts';

/** How a kind of file is written. @typeParam F its facts beside those of every such file */
export interface BoundFormat<F> {
  /** The format's name in the file. */
  readonly name: string;
  /** The kind of head in messages: "router". */
  readonly noun: string;
  /** The version that is written. Files of later versions are refused. */
  readonly version: number;
  readonly facts: z.ZodType<F>;
}

/** How a kind of head is written. @typeParam F its facts beside those of every head */
export interface HeadFormat<F> extends BoundFormat<F> {
  /** The first version whose calibrations have cuts. Before, thresholds for shares were guessed. */
  readonly firstVersionWithCuts: number;
  /** The number of features that the network must read. */
  readonly inputSize: (facts: F & HeadFacts) => number;
}

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

const BOUND_FACTS = z.object({
  strategy: z.string(),
  pair: z.object({ small: MODEL, large: MODEL }),
  training: z.record(z.string(), z.union([z.string(), z.number()])),
});

/** The facts of every kind of head. */
const HEAD_FACTS = BOUND_FACTS.extend({
  hiddenSize: z.number().int().positive(),
  defaultThreshold: z.number(),
  calibration: CALIBRATION.nullable(),
  reliability: z.array(
    z.object({ predicted: SHARE, observed: SHARE, count: z.number().int().positive() }),
  ),
});

/** Of such a calibration only its questions are of use: the default threshold was chosen on them. */
const WITHOUT_CUTS = HEAD_FACTS.extend({
  calibration: z
    .object({ on: z.string() })
    .transform(({ on }) => ({ on, cuts: [], points: [] }))
    .nullable(),
});

/** Questions as numbers below 2^48 (see `questionNumber`), each as two words of 24 bits. */
const TRAINED_ON = 'trained_on';
const CALIBRATED_ON = 'calibrated_on';
const WORD = 2 ** 24;

/** @param head without its digest, which is the digest of the bytes */
export function encodeHead<F>(
  format: HeadFormat<F>,
  head: F & HeadFacts & Omit<HeadContent, 'digest'>,
): Uint8Array {
  const facts = { ...HEAD_FACTS.parse(head), ...format.facts.parse(head) };
  return encoded(format, facts, head, foldedNetworkTensors(head.network));
}

/** What has no network, such as a fit. @param bound without its digest, which is the digest of the bytes */
export function encodeBound<F>(
  format: BoundFormat<F>,
  bound: F & BoundFacts & Omit<SeenQuestions, 'digest'>,
): Uint8Array {
  const facts = { ...BOUND_FACTS.parse(bound), ...format.facts.parse(bound) };
  return encoded(format, facts, bound, new Map());
}

function encoded(
  { name, version }: Pick<BoundFormat<unknown>, 'name' | 'version'>,
  facts: object,
  { trainedOn, calibratedOn }: Omit<SeenQuestions, 'digest'>,
  network: Tensors,
): Uint8Array {
  const tensors = new Map(network);
  tensors.set(TRAINED_ON, numbersTensor(trainedOn));
  tensors.set(CALIBRATED_ON, numbersTensor(calibratedOn));
  const metadata = { format: name, version: String(version), facts: JSON.stringify(facts) };
  return encodeTensors({ tensors, metadata });
}

/** The name of a file's format; null: it has none. @throws as `decodeTensors` */
export function formatName(bytes: Uint8Array): string | null {
  return decodeTensors(bytes).metadata['format'] ?? null;
}

/** @throws PilotfishError `head-invalid`, naming the fault */
export function decodeHead<F>(
  format: HeadFormat<F>,
  bytes: Uint8Array,
): F & HeadFacts & HeadContent {
  const { version, tensors, read, seen } = opened(format, bytes);
  const hasCuts = version >= format.firstVersionWithCuts;
  const facts = { ...read<HeadFacts>(hasCuts ? HEAD_FACTS : WITHOUT_CUTS), ...read(format.facts) };
  const network = foldedNetworkFromTensors(tensors);
  const size = format.inputSize(facts);
  if (network.inputSize !== size) {
    throw invalidHead(format.noun, `its network reads ${network.inputSize} features, not ${size}`);
  }
  return { ...facts, network, ...seen() };
}

/** What has no network, such as a fit. @throws PilotfishError `head-invalid`, naming the fault */
export function decodeBound<F>(
  format: BoundFormat<F>,
  bytes: Uint8Array,
): F & BoundFacts & SeenQuestions {
  const { read, seen } = opened(format, bytes);
  return { ...read<BoundFacts>(BOUND_FACTS), ...read(format.facts), ...seen() };
}

interface OpenedFile {
  readonly version: number;
  readonly tensors: Tensors;
  /** The facts that a schema describes. @throws PilotfishError `head-invalid` */
  read<T>(schema: z.ZodType<T>): T;
  /** @throws PilotfishError `head-invalid` */
  seen(): SeenQuestions;
}

function opened({ name, noun, version }: BoundFormat<unknown>, bytes: Uint8Array): OpenedFile {
  const invalid = (why: string): PilotfishError => invalidHead(noun, why);
  const { metadata, tensors } = decodeTensors(bytes);
  if (metadata['format'] !== name) throw invalid(`it holds no ${noun}`);
  const found = metadata['version'] ?? 'none';
  if (!(Number(found) >= 1 && Number(found) <= version)) {
    throw invalid(`its version is ${found}, not ${version} or earlier`);
  }
  const json = parseJson(metadata['facts'] ?? '');
  const numbers = (tensor: string): ReadonlySet<number> => {
    const set = numbersOf(tensors, tensor);
    if (set === null) throw invalid(`${tensor} is not a list of questions`);
    return set;
  };
  return {
    version: Number(found),
    tensors,
    read: (schema) => {
      const parsed = schema.safeParse(json);
      if (parsed.success) return parsed.data;
      const [issue] = parsed.error.issues;
      throw invalid(`${issue?.path.join('.') || 'its description'}: ${issue?.message}`);
    },
    seen: () => ({
      trainedOn: numbers(TRAINED_ON),
      calibratedOn: numbers(CALIBRATED_ON),
      digest: createHash('sha256').update(bytes).digest('hex'),
    }),
  };
}

/**
 * Required: without these numbers it is unknown on which questions the head must not be evaluated.
 * @returns null for something else
 */
function numbersOf(tensors: Tensors, name: string): ReadonlySet<number> | null {
  const words = tensors.get(name);
  const [count = 0, width, ...more] = words?.shape ?? [];
  const fits = words?.dtype === 'I32' && width === 2 && more.length === 0;
  if (!fits || !words.values.every((word) => word >= 0 && word < WORD)) return null;
  const { values } = words;
  const word = (at: number): number => values[at] ?? 0;
  return new Set(Array.from({ length: count }, (_, at) => word(2 * at) * WORD + word(2 * at + 1)));
}

function numbersTensor(numbers: ReadonlySet<number>): Tensor {
  const sorted = [...numbers].sort((a, b) => a - b);
  const words = sorted.flatMap((number) => [Math.floor(number / WORD), number % WORD]);
  return { dtype: 'I32', shape: [sorted.length, 2], values: Int32Array.from(words) };
}

function invalidHead(noun: string, why: string): PilotfishError {
  return new PilotfishError('head-invalid', `The file cannot be used as a ${noun}: ${why}.`, {
    remedy: 'Make one with `pilotfish train` or `pilotfish fit`, or name another file.',
  });
}
