/** The distribution of a draft in the frame `transmit`: its form in one byte, and its numbers. */
import {
  type CompressedDistribution,
  LEVEL_BIT_COUNT_MAX,
  tokenIdBitCount,
} from '../sampling/compressed-distribution.ts';
import type { DraftDistribution } from '../sampling/draft-distribution.ts';
import { pack, packedByteCount, unpack } from './bit-packing.ts';
import { frameInvalid } from './frame-invalid.ts';
import type { FrameReader } from './frame-reader.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { LinkLimits } from './limits.ts';
import { checkTokenIds } from './token-id-block.ts';

/** The lowest two bits of a form. The four above are `bitCount` - 1 of a compressed distribution. */
const FORMS = { none: 0, lossless: 1, uniform: 2, full: 3 } as const;
const BIT_COUNT_SHIFT = 2;

/** Rounding to single precision changes a sum of probabilities by less than 1e-7. */
const SUM_TOLERANCE = 1e-6;

export function formOf(distribution: DraftDistribution): number {
  if (distribution.kind !== 'compressed') return FORMS[distribution.kind];
  const { rest, bitCount } = distribution.compressed;
  const form = rest === 'none' ? FORMS.lossless : FORMS.uniform;
  return form | ((bitCount - 1) << BIT_COUNT_SHIFT);
}

/** The largest form of this version. */
const FORM_MAX = FORMS.uniform | ((LEVEL_BIT_COUNT_MAX - 1) << BIT_COUNT_SHIFT);

export function readForm(reader: FrameReader): number {
  const form = reader.unsigned('form', 1, FORM_MAX);
  const kind = form & 3;
  if ((kind === FORMS.none || kind === FORMS.full) && form !== kind) {
    throw frameInvalid('form', form, 'one without bits of levels');
  }
  return form;
}

const KEPT_COUNT_BYTES = 3;

export function distributionByteCount(
  distribution: DraftDistribution,
  vocabularySize: number,
): number {
  if (distribution.kind === 'none') return 0;
  if (distribution.kind === 'full') return 4 * vocabularySize;
  const { tokenIds, bitCount } = distribution.compressed;
  return KEPT_COUNT_BYTES + entriesByteCount(tokenIds.length, bitCount, vocabularySize);
}

function entriesByteCount(count: number, bitCount: number, vocabularySize: number): number {
  return packedByteCount(count, [tokenIdBitCount(vocabularySize), bitCount]);
}

export function writeDistribution(
  writer: FrameWriter,
  distribution: DraftDistribution,
  vocabularySize: number,
): void {
  if (distribution.kind === 'full') {
    for (const probability of distribution.probabilities) writer.single(probability);
  }
  if (distribution.kind !== 'compressed') return;
  const { tokenIds, levels, bitCount } = distribution.compressed;
  writer.unsigned(tokenIds.length, KEPT_COUNT_BYTES);
  const ids = { values: tokenIds, width: tokenIdBitCount(vocabularySize) };
  writer.bytes(pack([ids, { values: levels, width: bitCount }]));
}

export function readDistribution(
  reader: FrameReader,
  form: number,
  limits: LinkLimits,
): DraftDistribution {
  switch (form & 3) {
    case FORMS.none:
      return { kind: 'none' };
    case FORMS.full:
      return { kind: 'full', probabilities: readFull(reader, limits.vocabularySize) };
    default:
      return { kind: 'compressed', compressed: readCompressed(reader, form, limits) };
  }
}

function readFull(reader: FrameReader, vocabularySize: number): Float32Array {
  const field = 'probabilities';
  const bytes = reader.bytes(field, 4 * vocabularySize);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const probabilities = new Float32Array(vocabularySize);
  let sum = 0;
  for (let id = 0; id < vocabularySize; id += 1) {
    const probability = view.getFloat32(4 * id, true);
    // NaN fails the comparison.
    if (!(probability >= 0)) throw frameInvalid(field, probability, 'numbers from 0 up');
    probabilities[id] = probability;
    sum += probability;
  }
  if (!(Math.abs(sum - 1) <= SUM_TOLERANCE)) throw frameInvalid('sum of probabilities', sum, '1');
  return probabilities;
}

function readCompressed(
  reader: FrameReader,
  form: number,
  { vocabularySize, keptCountMax }: LinkLimits,
): CompressedDistribution {
  const bitCount = (form >> BIT_COUNT_SHIFT) + 1;
  const rest = (form & 3) === FORMS.lossless ? 'none' : 'uniform';
  const count = reader.unsigned('keptCount', KEPT_COUNT_BYTES, keptCountMax);
  if (rest === 'none' && count === 0) throw frameInvalid('keptCount', 0, 'at least 1');
  const bytes = reader.bytes('entries', entriesByteCount(count, bitCount, vocabularySize));
  const widths = [tokenIdBitCount(vocabularySize), bitCount];
  const [tokenIds = new Uint32Array(), levels = new Uint32Array()] = unpack(bytes, count, widths);
  checkTokenIds('entries', tokenIds, vocabularySize);
  checkDistinct(tokenIds);
  if (levels.includes(0)) throw frameInvalid('levels', 0, `from 1 to ${2 ** bitCount - 1}`);
  return { tokenIds, levels, bitCount, rest };
}

function checkDistinct(ids: Uint32Array): void {
  const repeated = ids
    .toSorted()
    .find((id, index, sorted) => index > 0 && id === sorted[index - 1]);
  if (repeated !== undefined) throw frameInvalid('entries', repeated, 'a token that occurs once');
}

/**
 * Whether a draft can come from the distribution that travels with it. CU-HLM's own compression (`uniform`)
 * takes drafts from another distribution.
 */
export function canDraw(distribution: DraftDistribution, draft: number): boolean {
  if (distribution.kind === 'full') return (distribution.probabilities[draft] as number) > 0;
  if (distribution.kind === 'none' || distribution.compressed.rest === 'uniform') return true;
  return distribution.compressed.tokenIds.includes(draft);
}
