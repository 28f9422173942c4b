/**
 * Sampling parameters in the frame `open`: all in double precision, which holds every safe integer. The
 * hub checks them with the function that checks a user's.
 */
import { PilotfishError } from '../core/errors.ts';
import {
  LOGIT_BIAS_COUNT_MAX,
  type SamplingParams,
  samplingParams,
} from '../core/sampling-params.ts';
import { frameInvalid, frameRefused } from './frame-invalid.ts';
import type { FrameReader } from './frame-reader.ts';
import type { FrameWriter } from './frame-writer.ts';

/** The order in the frame. */
const NUMBERS = [
  'temperature',
  'topK',
  'topP',
  'minP',
  'repetitionPenalty',
  'frequencyPenalty',
  'presencePenalty',
  'penaltyWindow',
] as const satisfies readonly (keyof SamplingParams)[];

const BIAS_COUNT_BYTES = 2;
const BIAS_ID_BYTES = 3;
const BIAS_BYTES = BIAS_ID_BYTES + 8;

export function samplingByteCount(params: SamplingParams, vocabularySize: number): number {
  const biasCount = biasesOf(params, vocabularySize).length;
  return 8 * NUMBERS.length + BIAS_COUNT_BYTES + BIAS_BYTES * biasCount;
}

/** The biases by rising id. A bias on a token outside the vocabulary does nothing, and is left out. */
function biasesOf(
  { logitBias }: SamplingParams,
  vocabularySize: number,
): readonly (readonly [id: number, bias: number])[] {
  return Object.entries(logitBias)
    .map(([id, bias]) => [Number(id), bias] as const)
    .filter(([id]) => id < vocabularySize)
    .sort(([a], [b]) => a - b);
}

export function writeSampling(
  writer: FrameWriter,
  params: SamplingParams,
  vocabularySize: number,
): void {
  for (const name of NUMBERS) writer.double(params[name]);
  const biases = biasesOf(params, vocabularySize);
  writer.unsigned(biases.length, BIAS_COUNT_BYTES);
  for (const [id, bias] of biases) {
    writer.unsigned(id, BIAS_ID_BYTES);
    writer.double(bias);
  }
}

/** @throws PilotfishError `frame-invalid` */
export function readSampling(reader: FrameReader, vocabularySize: number): SamplingParams {
  const numbers = Object.fromEntries(NUMBERS.map((name) => [name, reader.double(name)]));
  const count = reader.unsigned('biasCount', BIAS_COUNT_BYTES, LOGIT_BIAS_COUNT_MAX);
  const logitBias: Record<string, number> = {};
  for (let index = 0, least = 0; index < count; index += 1) {
    const id = reader.unsigned('logitBias', BIAS_ID_BYTES, vocabularySize - 1);
    if (id < least) throw frameInvalid('logitBias', id, `a token above ${least - 1}`);
    logitBias[id] = reader.double('logitBias');
    least = id + 1;
  }
  return checked({ ...numbers, logitBias });
}

function checked(given: Partial<SamplingParams>): SamplingParams {
  try {
    return samplingParams(given);
  } catch (error) {
    if (!PilotfishError.isInstance(error)) throw error;
    const { option, value } = error.fields;
    const reason = error.message.replace(/\.$/, '');
    throw frameRefused(reason, { field: String(option), value: String(value), cause: error });
  }
}
