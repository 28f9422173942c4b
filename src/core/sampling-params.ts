import { PilotfishError } from './errors.ts';

/**
 * How a token is chosen from a model's logits. The steps run in the order of the fields: logit bias,
 * penalties, top-k, top-p, min-p, temperature (llama.cpp's order); then one draw. Temperature 0 takes
 * the best token after bias and penalties.
 */
export interface SamplingParams {
  /** Added to the logits of single tokens, by token id. */
  readonly logitBias: Readonly<Record<string, number>>;
  /** Divides positive and multiplies negative logits of tokens that occurred; 1 does nothing. */
  readonly repetitionPenalty: number;
  /** Subtracted from a token's logit for every time it occurred; 0 does nothing. */
  readonly frequencyPenalty: number;
  /** Subtracted once from the logit of a token that occurred; 0 does nothing. */
  readonly presencePenalty: number;
  /** The number of tokens before the draw, prompt and drafts included, that the penalties count. */
  readonly penaltyWindow: number;
  /** Keeps the k most probable tokens; 0 keeps all. */
  readonly topK: number;
  /** Keeps the smallest set of tokens whose probability reaches this; 1 keeps all. */
  readonly topP: number;
  /** Drops tokens less probable than this factor times the most probable token; 0 drops none. */
  readonly minP: number;
  /** Divides the logits before the draw; 0 is greedy. */
  readonly temperature: number;
}

export const GREEDY: SamplingParams = {
  logitBias: {},
  repetitionPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  penaltyWindow: 64,
  topK: 0,
  topP: 1,
  minP: 0,
  temperature: 0,
};

/** The steps that turn logits into the distribution that is drawn from. */
export type DistributionParams = Pick<SamplingParams, 'topK' | 'topP' | 'minP' | 'temperature'>;

/** Whether the distribution of a draw depends on the tokens before it. */
export function penalises(params: SamplingParams): boolean {
  const { repetitionPenalty, frequencyPenalty, presencePenalty, penaltyWindow } = params;
  const isNeutral = repetitionPenalty === 1 && frequencyPenalty === 0 && presencePenalty === 0;
  return !isNeutral && penaltyWindow > 0;
}

export const LOGIT_BIAS_COUNT_MAX = 1024;
const LOGIT_BIAS_MAX = 1000;
const PENALTY_MAX = 100;

interface Range {
  readonly holds: (value: number) => boolean;
  readonly says: string;
}

type NumberName = Exclude<keyof SamplingParams, 'logitBias'>;

const PENALTY: Range = {
  holds: (v) => Math.abs(v) <= PENALTY_MAX,
  says: `a number from -${PENALTY_MAX} to ${PENALTY_MAX}`,
};

const RANGES: Readonly<Record<NumberName, Range>> = {
  repetitionPenalty: {
    holds: (v) => v > 0 && v <= PENALTY_MAX,
    says: `a number above 0, at most ${PENALTY_MAX}`,
  },
  frequencyPenalty: PENALTY,
  presencePenalty: PENALTY,
  penaltyWindow: { holds: (v) => Number.isSafeInteger(v) && v >= 0, says: 'an integer from 0 up' },
  topK: { holds: (v) => Number.isSafeInteger(v) && v >= 0, says: 'an integer from 0 up' },
  topP: { holds: (v) => v > 0 && v <= 1, says: 'a number above 0, at most 1' },
  minP: { holds: (v) => v >= 0 && v < 1, says: 'a number from 0 up, below 1' },
  temperature: { holds: (v) => v >= 0 && v <= 100, says: 'a number from 0 to 100' },
};

/** Fills in the defaults (greedy) and checks every range. @throws PilotfishError `option-invalid` */
export function samplingParams(given: Partial<SamplingParams> = {}): SamplingParams {
  const params: SamplingParams = { ...GREEDY, ...given };
  for (const [name, range] of Object.entries(RANGES) as [NumberName, Range][]) {
    const value = params[name];
    if (!Number.isFinite(value) || !range.holds(value)) throw invalid(name, value, range.says);
  }
  checkLogitBias(params.logitBias);
  return params;
}

function checkLogitBias(logitBias: SamplingParams['logitBias']): void {
  const entries = Object.entries(logitBias);
  if (entries.length > LOGIT_BIAS_COUNT_MAX) {
    throw invalid('logitBias', entries.length, `at most ${LOGIT_BIAS_COUNT_MAX} tokens`);
  }
  for (const [id, bias] of entries) {
    if (!/^\d+$/.test(id)) throw invalid('logitBias', id, 'given by token ids');
    if (Number.isFinite(bias) && Math.abs(bias) <= LOGIT_BIAS_MAX) continue;
    throw invalid('logitBias', bias, `a number from -${LOGIT_BIAS_MAX} to ${LOGIT_BIAS_MAX}`);
  }
}

function invalid(name: string, value: number | string, says: string): PilotfishError {
  return new PilotfishError('option-invalid', `${name} is ${value}, not ${says}.`, {
    remedy: `Give ${name} as ${says}.`,
    fields: { option: name, value: String(value) },
  });
}
