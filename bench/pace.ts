/**
 * The current speed of the machine, relative to the time when it was measured: single steps of both
 * models between the runs. On a machine with other work it changes from minute to minute, which is not
 * the predictor's fault.
 */
import type { ModelRole } from '../src/core/model-id.ts';
import { GREEDY } from '../src/core/sampling-params.ts';
import { tokenId } from '../src/core/token-id.ts';
import type { MeasuredModel } from '../src/machines/machine-profile.ts';
import type { LanguageModel, Sequence } from '../src/model/roles.ts';

const STEP_COUNT = 5;

export class Pace {
  readonly #model: LanguageModel;
  readonly #stepMs: number;
  readonly #sequence: Sequence;

  private constructor(model: LanguageModel, stepMs: number, sequence: Sequence) {
    this.#model = model;
    this.#stepMs = stepMs;
    this.#sequence = sequence;
  }

  /** Holds a sequence of the model until it is closed. */
  static async open(model: LanguageModel, profile: MeasuredModel): Promise<Pace> {
    const pace = new Pace(model, profile.decode[0]?.ms ?? Number.NaN, model.openSequence());
    await pace.#feed(profile.cachedTokenCount);
    return pace;
  }

  /** Milliseconds of a single step now, divided by those of the profile. Above 1 is slower. */
  async now(): Promise<number> {
    const { length } = this.#sequence;
    const times: number[] = [];
    for (let step = 0; step < STEP_COUNT; step += 1) {
      times.push(await this.#feed(1));
      await this.#sequence.truncate(length);
    }
    const sorted = times.sort((a, b) => a - b);
    return (sorted[Math.floor(STEP_COUNT / 2)] ?? Number.NaN) / this.#stepMs;
  }

  async #feed(rowCount: number): Promise<number> {
    const { size } = this.#model.vocabulary;
    const tokens = Array.from({ length: rowCount }, (_, row) => tokenId((row * 7 + 11) % size));
    const program = {
      vocabularySize: size,
      sampling: GREEDY,
      seed: 0,
      purpose: 'sample' as const,
    };
    return (await this.#sequence.forward({ tokens, outputFrom: rowCount - 1, program })).computeMs;
  }
}

export type Paces = Readonly<Record<ModelRole, Pace>>;
