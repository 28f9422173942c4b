/**
 * The radio channel in the model of U-HLM (arXiv 2412.12687): Shannon's rate W·log2(1 + SNR·|h|²) with
 * Rayleigh block fading. The power gain |h|² has the exponential distribution of mean 1, stays constant
 * for a block of the coherence time, and is independent from block to block.
 */
import { noiseKey, noiseUniform } from '../core/noise.ts';
import type { Direction } from './direction.ts';

export interface RadioChannel {
  readonly bandwidthHz: number;
  /** The mean ratio of signal to noise, in decibels. */
  readonly snrDb: number;
  /** The length of a block in milliseconds; null: no fading, |h|² = 1. */
  readonly coherenceMs: number | null;
  readonly seed: number;
}

const DECIBELS_PER_DECADE = 10;
const MS_PER_SECOND = 1000;
const BITS = 8;

/** Bits per second at a power gain |h|². */
export function shannonRate(
  { bandwidthHz, snrDb }: Pick<RadioChannel, 'bandwidthHz' | 'snrDb'>,
  powerGain = 1,
): number {
  const snr = 10 ** (snrDb / DECIBELS_PER_DECADE);
  // `log1p` stays above 0 in the deepest fade.
  return (bandwidthHz * Math.log1p(snr * powerGain)) / Math.LN2;
}

/** |h|² of a block: from 0 up, with mean 1; the same for the same seed and block. */
export function fadingGain(seed: number, block: number): number {
  return -Math.log(noiseUniform(noiseKey(seed, block, 'fading')));
}

/** @param delayMs the propagation delay, which the paper leaves out */
export function radioDirection(channel: RadioChannel, delayMs = 0): Direction {
  const { coherenceMs, seed } = channel;
  const bitsPerMs = (gain: number): number => shannonRate(channel, gain) / MS_PER_SECOND;
  return {
    delayMs,
    sentAtMs(startMs, byteCount) {
      let bitCount = byteCount * BITS;
      if (coherenceMs === null) return startMs + bitCount / bitsPerMs(1);
      let at = startMs;
      for (let block = Math.floor(at / coherenceMs); ; block += 1) {
        const rate = bitsPerMs(fadingGain(seed, block));
        const end = (block + 1) * coherenceMs;
        const room = Math.max(0, rate * (end - at));
        if (bitCount <= room) return at + bitCount / rate;
        bitCount -= room;
        at = end;
      }
    },
  };
}

/** What U-HLM and CU-HLM (arXiv 2505.11788) count of a transmission: probabilities and indices. */
export const PAPER = {
  vocabularySize: 32_000,
  probabilityBitCount: 8,
  /** ⌈log2 of the vocabulary's size⌉ */
  indexBitCount: 15,
  /** The tokens that CU-HLM keeps by its offline rule. */
  keptCount: 30,
} as const;

/** Bytes that the papers count of a transmission of k tokens; they ignore the downlink and the draft. */
export function paperByteCount(keptCount: number): number {
  return (keptCount * (PAPER.probabilityBitCount + PAPER.indexBitCount)) / BITS;
}
