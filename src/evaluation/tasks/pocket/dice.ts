/** The random choices of one problem: each (seed, index) has its own stream. */
import { required } from '../../../core/invariant.ts';
import { noiseKey, noiseUniform } from '../../../core/noise.ts';

export class Dice {
  readonly #key: ReturnType<typeof noiseKey>;
  #count = 0;

  constructor(seed: number, index: number) {
    this.#key = noiseKey(seed, index, 'coin');
  }

  /** Uniform in (0, 1). */
  next(): number {
    this.#count += 1;
    return noiseUniform(this.#key, this.#count);
  }

  /** An integer from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  pick<T>(choices: readonly T[]): T {
    return required(choices[this.between(0, choices.length - 1)], 'there is something to choose');
  }
}
