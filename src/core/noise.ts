/**
 * Randomness as a function: the same (seed, position, purpose) gives the same noise to every
 * caller, in any order and any number of times. That makes "same seed, same text" hold across
 * strategies: the large model draws position 17 with the same noise whether it wrote every earlier
 * token or only verified drafts.
 *
 * The generator is counter-based: a key is mixed from the three parts, and entry `index` of the
 * noise is a hash of key and index. The mixer is a two-key variant of the xor-shift-multiply family
 * (constants of C. Wellons, "Prospecting for hash functions", 2018).
 */

/** The purpose of a draw. Draws for different purposes are independent. */
export type NoisePurpose =
  | 'sample'
  | 'draft'
  | 'accept'
  | 'residual'
  | 'coin'
  // Its positions count the draws of a request.
  | 'draw'
  // Its positions count the temperatures of all tokens.
  | 'perturbation'
  // Whether a draft stands after its distribution was rounded.
  | 'rounding'
  // Its positions count the blocks of a radio channel.
  | 'fading'
  // Purposes of training: their positions count layers, steps or epochs.
  | 'weights'
  | 'dropout'
  | 'shuffle'
  | 'split';

const PURPOSE_NUMBER: Readonly<Record<NoisePurpose, number>> = {
  sample: 1,
  draft: 2,
  accept: 3,
  residual: 4,
  coin: 5,
  weights: 6,
  dropout: 7,
  shuffle: 8,
  split: 9,
  draw: 10,
  perturbation: 11,
  rounding: 12,
  fading: 13,
};

/** Two 32-bit words that name one stream of noise. */
export interface NoiseKey {
  readonly a: number;
  readonly b: number;
}

/**
 * @param seed any safe integer
 * @param position the absolute position, in the sequence, of the token that is being decided
 */
export function noiseKey(seed: number, position: number, purpose: NoisePurpose): NoiseKey {
  const low = seed >>> 0;
  const high = Math.floor(seed / 4294967296) >>> 0;
  // Both words depend on the seed, so that all of its 53 bits count.
  const first = mix(low, 0x9e3779b9, high);
  const second = mix(high, 0x85ebca6b, low);
  const a = mix(position >>> 0, first, PURPOSE_NUMBER[purpose]);
  return { a, b: mix(second, a, position >>> 0) };
}

/**
 * The seed of draw number `draw` of a request: draw 0 keeps the request's seed, and every other has
 * noise that is independent of it, at all positions and for all purposes.
 */
export function seedOfDraw(seed: number, draw: number): number {
  if (draw === 0) return seed;
  const key = noiseKey(seed, draw, 'draw');
  // 53 bits: all that a safe integer has room for.
  return (noiseBits(key, 0) >>> 11) * 4294967296 + noiseBits(key, 1);
}

/** Entry `index` of a stream: 32 uniformly distributed bits, as an unsigned integer. */
export function noiseBits(key: NoiseKey, index: number): number {
  return mix(index, key.a, key.b);
}

/** A uniform number in (0, 1), never 0 nor 1. */
export function noiseUniform(key: NoiseKey, index = 0): number {
  return uniformFromBits(noiseBits(key, index));
}

/** The uniform number in (0, 1) that 32 bits represent: the middle of their interval. */
export function uniformFromBits(bits: number): number {
  return (bits + 0.5) / 4294967296;
}

/** A standard Gumbel number: argmax over (log p + Gumbel) draws from p (the Gumbel-max trick). */
export function noiseGumbel(key: NoiseKey, index: number): number {
  return gumbelFromBits(noiseBits(key, index));
}

export function gumbelFromBits(bits: number): number {
  return -Math.log(-Math.log(uniformFromBits(bits)));
}

/** The largest value of `noiseGumbel`: an upper bound with which a search can stop early. */
export const GUMBEL_MAX: number = gumbelFromBits(4294967295);

/** Mixes a 32-bit value with two 32-bit keys into 32 bits. */
export function mix(value: number, keyA: number, keyB: number): number {
  let x = (value ^ keyA) | 0;
  x ^= x >>> 17;
  x = Math.imul(x, 0xed5ad4bb);
  x ^= x >>> 11;
  x = Math.imul((x + keyB) | 0, 0xac4c1b51);
  x ^= x >>> 15;
  x = Math.imul(x, 0x31848bab);
  x ^= x >>> 14;
  return x >>> 0;
}
