/**
 * Strategies as values. Only this file parses the texts that users type. All other code takes the value,
 * and reads the facts of its method.
 */
import { PilotfishError } from '../core/errors.ts';
import { MODEL_LABELS, type ModelLabel } from '../core/model-id.ts';
import { invalidThreshold } from './invalid-threshold.ts';
import { choosesModels, type Method, type StrategyValue, type ThresholdFacts } from './method.ts';
import { DEFAULT_METHOD, METHODS } from './methods.ts';
import { SAMPLE_DEFAULTS, sampleBranches } from './samples.ts';
import type { Strategy } from './strategy.ts';
import type { StrategyOptions } from './strategy-options.ts';

/** The input of public functions: a user's text, or a value. */
export type StrategyInput = string | StrategyValue;

/** @throws as `parseStrategy` */
export function asStrategy(input: StrategyInput): StrategyValue {
  return typeof input === 'string' ? parseStrategy(input) : input;
}

/**
 * A method as a strategy.
 * @param threshold null: the default of the method or of its head
 */
export function strategyValue(method: Method, threshold: number | null = null): StrategyValue {
  const text = threshold === null ? method.name : `${method.name}@${threshold}`;
  return { method, threshold, share: null, text };
}

/** The default strategy of requests. */
export const STRATEGY_DEFAULT: StrategyValue = strategyValue(DEFAULT_METHOD);

/** Null for a name that no method has, for example in a file of another version. */
export function methodNamed(name: string, methods: readonly Method[] = METHODS): Method | null {
  return methods.find((method) => method.name === name) ?? null;
}

/**
 * Parses `NAME`, `NAME@THRESHOLD` or, for shares, `NAME@30%`.
 * @param methods the known methods; default: those of this program
 * @throws PilotfishError `strategy-unknown`, `threshold-invalid`
 *
 * @example
 * const strategy = parseStrategy('entropy@1.5');
 * for await (const event of engine.generate({ prompt: 'Water boils at', strategy })) console.log(event);
 */
export function parseStrategy(text: string, methods: readonly Method[] = METHODS): StrategyValue {
  const at = text.indexOf('@');
  const name = at < 0 ? text : text.slice(0, at);
  const method = methodNamed(name, methods);
  if (method === null) throw unknown(name, methods);
  if (at < 0) return { method, threshold: null, share: null, text };
  if (method.threshold === null) {
    throw invalidThreshold(text, `${name} takes no threshold`, `Write "${name}".`);
  }
  const { value, isShareOfHead } = parseNumber(text, text.slice(at + 1), method, method.threshold);
  return isShareOfHead
    ? { method, threshold: null, share: value, text }
    : { method, threshold: value, share: null, text };
}

/**
 * Builds a strategy that requests can share.
 * @throws as `parseStrategy`; PilotfishError `head-missing`, `option-invalid`
 */
export function createStrategy(input: StrategyInput, options: StrategyOptions = {}): Strategy {
  const value = asStrategy(input);
  return value.method.build(value, options);
}

/**
 * The labels of the models that a strategy needs.
 * @throws as `parseStrategy`; PilotfishError `option-invalid`
 */
export function labelsOf(
  input: StrategyInput,
  options: StrategyOptions = {},
): readonly ModelLabel[] {
  const value = asStrategy(input);
  // Its options may spare it a model. A head never does, and need not be here yet.
  if (value.method.head !== null) return value.method.needs;
  const { needs } = createStrategy(value, options);
  return MODEL_LABELS.filter((label) => needs[label] !== undefined);
}

/**
 * The branches of one model that a strategy has open at once; of one whose head is not here yet, the most
 * that its options allow.
 * @throws as `parseStrategy`; PilotfishError `option-invalid`
 */
export function branchCountOf(input: StrategyInput, options: StrategyOptions): number {
  const value = asStrategy(input);
  const { head } = value.method;
  if (head?.kind === 'router') return 0;
  if (head !== null) {
    const { count = SAMPLE_DEFAULTS.count } = options.samples ?? {};
    const { draftCount = 1 } = options.steps ?? {};
    return sampleBranches(choosesModels(value.method) ? draftCount : count)?.count ?? 0;
  }
  const needs = Object.values(createStrategy(value, options).needs);
  return Math.max(0, ...needs.map(({ branches }) => branches?.count ?? 0));
}

function unknown(name: string, methods: readonly Method[]): PilotfishError {
  const names = methods.map((method) => method.name).join(', ');
  return new PilotfishError('strategy-unknown', `There is no strategy "${name}".`, {
    remedy: `Choose one of ${names}; a threshold follows an @, as in entropy@1.5.`,
    fields: { strategy: name },
  });
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?(%?)$/i;

interface ParsedNumber {
  readonly value: number;
  /** Whether it is a share of tokens, which the calibration of a trained head turns into a threshold. */
  readonly isShareOfHead: boolean;
}

function parseNumber(
  text: string,
  given: string,
  { name, head }: Method,
  { default: byDefault, meaning, isShare, deferralSide }: ThresholdFacts,
): ParsedNumber {
  const match = NUMBER.exec(given);
  const example = `Give a number, as in ${name}@${byDefault ?? 0.9}: ${meaning}.`;
  if (match === null) throw invalidThreshold(text, `"${given}" is not a number`, example);
  const isPercent = match[3] === '%';
  if (isPercent && deferralSide === null) {
    throw invalidThreshold(text, `${name} calls no large model, so it has no share`, example);
  }
  const isShareOfHead = isPercent && head !== null;
  if (isPercent && !isShare && !isShareOfHead) {
    throw invalidThreshold(text, `a share needs a calibrated head, and ${name} has none`, example);
  }
  const value = isPercent ? Number(given.slice(0, -1)) / 100 : Number(given);
  if (!Number.isFinite(value)) throw invalidThreshold(text, `${given} is not finite`, example);
  if ((isShare || isShareOfHead) && (value < 0 || value > 1)) {
    throw invalidThreshold(text, `${given} is not between 0 and 1`, example);
  }
  return { value, isShareOfHead };
}
