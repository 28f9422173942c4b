/** Rectified linear units: max(0, x). NaN passes through, so that a diverged training shows. */
import type { InPlaceLayer } from './layer.ts';
import type { Numbers } from './matrix.ts';

export class Relu implements InPlaceLayer {
  readonly parameters = [] as const;
  readonly statistics = [] as const;
  readonly #size: number;
  readonly #isActive: Uint8Array;

  constructor(size: number, rowCountMax: number) {
    this.#size = size;
    this.#isActive = new Uint8Array(rowCountMax * size);
  }

  forward(rows: Numbers, rowCount: number): void {
    const count = rowCount * this.#size;
    for (let at = 0; at < count; at += 1) {
      const isOff = (rows[at] as number) <= 0;
      this.#isActive[at] = isOff ? 0 : 1;
      if (isOff) rows[at] = 0;
    }
  }

  backward(gradients: Numbers, rowCount: number): void {
    const count = rowCount * this.#size;
    for (let at = 0; at < count; at += 1) {
      if (this.#isActive[at] === 0) gradients[at] = 0;
    }
  }
}
