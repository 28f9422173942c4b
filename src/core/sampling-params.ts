import { PilotfishError } from './errors.ts';

/**
 * How a token is chosen from a model's logits. The steps run in the order of the fields: top-k,
 * top-p, min-p, temperature (llama.cpp's order); then one draw. Temperature 0 is the plain argmax,
 * whatever the other fields say.
 */
export interface SamplingParams {
  /** Keep the k most probable tokens; 0 keeps all. */
  readonly topK: number;
  /** Keep the smallest set of tokens whose probability reaches this; 1 keeps all. */
  readonly topP: number;
  /** Drop tokens less probable than this times the most probable one; 0 drops none. */
  readonly minP: number;
  /** Divides the logits before the draw; 0 is greedy. */
  readonly temperature: number;
}

export const GREEDY: SamplingParams = { topK: 0, topP: 1, minP: 0, temperature: 0 };

interface Range {
  readonly holds: (value: number) => boolean;
  readonly says: string;
}

const RANGES: Readonly<Record<keyof SamplingParams, Range>> = {
  topK: { holds: (v) => Number.isSafeInteger(v) && v >= 0, says: 'an integer from 0 up' },
  topP: { holds: (v) => v > 0 && v <= 1, says: 'a number above 0, at most 1' },
  minP: { holds: (v) => v >= 0 && v < 1, says: 'a number from 0 up, below 1' },
  temperature: { holds: (v) => v >= 0 && v <= 100, says: 'a number from 0 to 100' },
};

/** Fills in the defaults (greedy) and checks every range. @throws PilotfishError `option-invalid` */
export function samplingParams(given: Partial<SamplingParams> = {}): SamplingParams {
  const params: SamplingParams = { ...GREEDY, ...given };
  for (const name of ['topK', 'topP', 'minP', 'temperature'] as const) {
    const value = params[name];
    if (Number.isFinite(value) && RANGES[name].holds(value)) continue;
    throw new PilotfishError('option-invalid', `${name} is ${value}, not ${RANGES[name].says}.`, {
      remedy: `Give ${name} as ${RANGES[name].says}.`,
      fields: { option: name, value: String(value) },
    });
  }
  return params;
}
