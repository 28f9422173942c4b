/** Every strategy by name: what users type, what help prints, what the engine builds. */
import { PilotfishError } from '../core/errors.ts';
import type { ModelRole } from '../core/events.ts';
import type { CostModel } from '../cost/cost-model.ts';
import { entropyGate, marginGate, randomGate } from '../routing/gate.ts';
import { cascade } from './cascade.ts';
import {
  cascadeCost,
  draftModelCost,
  promptLookupCost,
  randomQueryCost,
  singleModelCost,
  tokenRoutingCost,
} from './cost-models.ts';
import { randomQuery } from './random-query.ts';
import { singleModel } from './single-model.ts';
import { type SpeculativeOptions, speculative } from './speculative.ts';
import type { Strategy } from './strategy.ts';
import { tokenRouting } from './token-routing.ts';

export interface ThresholdInfo {
  readonly name: string;
  readonly default: number;
  /** What a threshold means and which way it goes, for help texts. */
  readonly meaning: string;
  /** Shares lie in [0, 1] and may be given in percent; other thresholds are any finite number. */
  readonly isShare: boolean;
}

/** What a strategy decides about: single tokens or whole answers; null: it decides nothing. */
export type StrategyUnit = 'token' | 'query' | null;

export interface StrategyInfo {
  readonly name: string;
  readonly unit: StrategyUnit;
  readonly summary: string;
  readonly threshold: ThresholdInfo | null;
  readonly needs: readonly ModelRole[];
  /** What it is expected to do, one for each way it can go about it. */
  readonly costModels: readonly CostModel[];
}

interface Entry extends StrategyInfo {
  readonly build: (threshold: number, options: StrategyOptions) => Strategy;
}

/** Settings of strategies that have more than a threshold. */
export interface StrategyOptions {
  readonly speculative?: SpeculativeOptions;
}

const BOTH: readonly ModelRole[] = ['small', 'large'];

const ENTRIES: readonly Entry[] = [
  {
    name: 'small',
    unit: null,
    summary: 'the small model alone',
    threshold: null,
    needs: ['small'],
    costModels: [singleModelCost('small')],
    build: () => singleModel('small'),
  },
  {
    name: 'large',
    unit: null,
    summary: 'the large model alone',
    threshold: null,
    needs: ['large'],
    costModels: [singleModelCost('large')],
    build: () => singleModel('large'),
  },
  {
    name: 'entropy',
    unit: 'token',
    summary: "token routing by the small model's entropy",
    threshold: {
      name: 'entropy',
      default: 1,
      meaning: 'the large model writes tokens whose entropy, in nats, exceeds it',
      isShare: false,
    },
    needs: BOTH,
    costModels: [tokenRoutingCost(entropyGate)],
    build: (threshold) => tokenRouting(entropyGate, threshold, 'entropy'),
  },
  {
    name: 'margin',
    unit: 'token',
    summary: "token routing by the small model's top-2 probability margin",
    threshold: {
      name: 'margin',
      default: 0.3,
      meaning: 'the large model writes tokens whose margin is below it',
      isShare: false,
    },
    needs: BOTH,
    costModels: [tokenRoutingCost(marginGate)],
    build: (threshold) => tokenRouting(marginGate, threshold, 'margin'),
  },
  {
    name: 'random',
    unit: 'token',
    summary: 'token routing by a coin: the control',
    threshold: {
      name: 'share',
      default: 0.3,
      meaning: 'the large model writes this share of the tokens, from 0 to 1 (or 30%)',
      isShare: true,
    },
    needs: BOTH,
    costModels: [tokenRoutingCost(randomGate)],
    build: (share) => tokenRouting(randomGate, share, 'share'),
  },
  {
    name: 'cascade',
    unit: 'query',
    summary: "the large model answers anew where the small one's answer is unsure",
    threshold: {
      name: 'entropy',
      default: 0.3,
      meaning: 'the large model writes answers whose mean entropy, in nats, exceeds it',
      isShare: false,
    },
    needs: BOTH,
    costModels: [cascadeCost],
    build: (threshold) => cascade(threshold),
  },
  {
    name: 'random-query',
    unit: 'query',
    summary: 'a coin gives the whole answer to either model: the control of cascades',
    threshold: {
      name: 'share',
      default: 0.3,
      meaning: 'the large model writes this share of the answers, from 0 to 1 (or 30%)',
      isShare: true,
    },
    needs: BOTH,
    costModels: [randomQueryCost],
    build: (share) => randomQuery(share),
  },
  {
    name: 'speculative',
    unit: null,
    summary: "the large model's own text, drafted by the small one or by prompt lookup",
    threshold: null,
    needs: BOTH,
    costModels: [draftModelCost, promptLookupCost],
    build: (_threshold, options) => speculative(options.speculative),
  },
];

export const STRATEGIES: readonly StrategyInfo[] = ENTRIES;

export interface ParsedStrategy {
  readonly name: string;
  /** Null for strategies without one; the default where none was given. */
  readonly threshold: number | null;
}

/**
 * Parses `NAME` or `NAME@THRESHOLD`.
 * @throws PilotfishError `strategy-unknown`, `threshold-invalid`
 */
export function parseStrategy(text: string): ParsedStrategy {
  const at = text.indexOf('@');
  const name = at < 0 ? text : text.slice(0, at);
  const entry = find(name);
  const given = at < 0 ? null : text.slice(at + 1);
  if (entry.threshold === null) {
    if (given === null) return { name, threshold: null };
    throw invalid(text, `${name} takes no threshold`, `Write "${name}".`);
  }
  const threshold = given === null ? entry.threshold.default : parse(text, given, entry.threshold);
  return { name, threshold };
}

/** Builds a strategy that requests can share. @throws as `parseStrategy` */
export function createStrategy(text: string, options: StrategyOptions = {}): Strategy {
  const { name, threshold } = parseStrategy(text);
  return find(name).build(threshold ?? 0, options);
}

/** The models that a strategy needs. @throws as `parseStrategy` */
export function rolesOf(text: string, options: StrategyOptions = {}): readonly ModelRole[] {
  return createStrategy(text, options).needs;
}

function find(name: string): Entry {
  const entry = ENTRIES.find((candidate) => candidate.name === name);
  if (entry !== undefined) return entry;
  const names = ENTRIES.map((candidate) => candidate.name).join(', ');
  throw new PilotfishError('strategy-unknown', `There is no strategy "${name}".`, {
    remedy: `Choose one of ${names}; a threshold follows an @, as in entropy@1.5.`,
    fields: { strategy: name },
  });
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?(%?)$/i;

function parse(text: string, given: string, info: ThresholdInfo): number {
  const match = NUMBER.exec(given);
  const example = `Give a number, as in ${text.split('@')[0]}@${info.default}: ${info.meaning}.`;
  if (match === null) throw invalid(text, `"${given}" is not a number`, example);
  const isPercent = match[3] === '%';
  if (isPercent && !info.isShare) {
    throw invalid(text, 'a share needs a calibrated head, which this gate has not', example);
  }
  const value = isPercent ? Number(given.slice(0, -1)) / 100 : Number(given);
  if (!Number.isFinite(value)) throw invalid(text, `${given} is not finite`, example);
  if (info.isShare && (value < 0 || value > 1)) {
    throw invalid(text, `${given} is not between 0 and 1`, example);
  }
  return value;
}

function invalid(text: string, why: string, remedy: string): PilotfishError {
  return new PilotfishError('threshold-invalid', `The strategy "${text}" is wrong: ${why}.`, {
    remedy,
    fields: { strategy: text },
  });
}
