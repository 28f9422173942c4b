/**
 * Inverted dropout: in training a share of the units is set to 0, and the others are scaled up so
 * that the mean stays. The choice of units is a function of (seed, layer, step, place), never of
 * earlier runs.
 */
import { noiseBits, noiseKey } from '../core/noise.ts';
import type { InPlaceLayer, Pass } from './layer.ts';
import type { Numbers } from './matrix.ts';

export interface DropoutOptions {
  readonly seed: number;
  /** The index of the layer in its network. Each layer has its own noise. */
  readonly layer: number;
  readonly size: number;
  readonly rowCountMax: number;
  /** The share of dropped units, in [0, 1). */
  readonly share: number;
}

const LAYER_COUNT_MAX = 64;

export class Dropout implements InPlaceLayer {
  readonly parameters = [] as const;
  readonly statistics = [] as const;
  readonly #options: DropoutOptions;
  readonly #isKept: Uint8Array;

  constructor(options: DropoutOptions) {
    this.#options = options;
    this.#isKept = new Uint8Array(options.rowCountMax * options.size).fill(1);
  }

  forward(rows: Numbers, rowCount: number, { training, step }: Pass): void {
    const { seed, layer, size, share } = this.#options;
    if (!training || share === 0) return;
    const key = noiseKey(seed, step * LAYER_COUNT_MAX + layer, 'dropout');
    const limit = share * 2 ** 32;
    const raise = 1 / (1 - share);
    const count = rowCount * size;
    for (let at = 0; at < count; at += 1) {
      const isKept = noiseBits(key, at) >= limit;
      this.#isKept[at] = isKept ? 1 : 0;
      rows[at] = isKept ? (rows[at] as number) * raise : 0;
    }
  }

  backward(gradients: Numbers, rowCount: number): void {
    const { size, share } = this.#options;
    if (share === 0) return;
    const raise = 1 / (1 - share);
    const count = rowCount * size;
    for (let at = 0; at < count; at += 1) {
      gradients[at] = this.#isKept[at] === 1 ? (gradients[at] as number) * raise : 0;
    }
  }
}
