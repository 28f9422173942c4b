/** Every strategy by name: what users type, what help prints, what the engine builds. */
import { PilotfishError } from '../core/errors.ts';
import type { ModelRole } from '../core/events.ts';
import { required } from '../core/invariant.ts';
import { thresholdForTokenShare } from '../judging/calibration.ts';
import { type DeferralSide, entropyGate, marginGate, randomGate } from '../judging/gate.ts';
import type { Router } from '../judging/router.ts';
import { routerGate } from '../judging/router-gate.ts';
import type { CostModel } from '../machines/cost-model.ts';
import { cascade } from './cascade.ts';
import {
  cascadeCost,
  draftModelCost,
  learnedRoutingCost,
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
  /** Null: the trained router says. */
  readonly default: number | null;
  /** What a threshold means and which way it goes, for help texts. */
  readonly meaning: string;
  /** Shares lie in [0, 1] and may be given in percent; other thresholds are any finite number. */
  readonly isShare: boolean;
  /** On which side of it scores call the large model. */
  readonly deferralSide: DeferralSide;
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
  /** Whether it needs a router that was trained for the pair. */
  readonly isLearned: boolean;
}

interface Entry extends StrategyInfo {
  readonly build: (parsed: ParsedStrategy, options: StrategyOptions) => Strategy;
}

/** Settings of strategies that have more than a threshold. */
export interface StrategyOptions {
  readonly speculative?: SpeculativeOptions;
  /** Trained routers, by the strategy that they route for. */
  readonly routers?: ReadonlyMap<string, Router>;
}

const BOTH: readonly ModelRole[] = ['small', 'large'];

/** Token routing by trained routers, one name for each way to train one (docs/METHODS.md). */
const LEARNED: readonly (readonly [name: string, summary: string])[] = [
  ['citer', 'token routing by a router trained to look ahead to the final answer'],
  ['citer-paper', "the same with the paper's labels along references"],
  ['citer-s', 'its ablation: a router trained on whether the next tokens are the same'],
  ['co-llm', 'a router trained on the likelihood of both models mixed'],
  ['co-llm-supervised', 'the same, and on whether the next tokens are the same'],
  ['alignment', "a router trained on how likely the large model finds the small one's token"],
];

function learned(name: string, summary: string): Entry {
  return {
    name,
    unit: 'token',
    summary,
    threshold: {
      name: 'tau',
      default: null,
      meaning: 'the large model writes tokens whose score is below it; or a share, as 30%',
      isShare: false,
      deferralSide: 'below',
    },
    needs: BOTH,
    isLearned: true,
    costModels: [learnedRoutingCost(name)],
    build: ({ threshold, share }, { routers }) => {
      const router = routers?.get(name);
      if (router === undefined) throw missing(name);
      const tau = threshold ?? routerThreshold(router, share ?? null);
      return tokenRouting(routerGate(router), tau, 'tau');
    },
  };
}

/**
 * The threshold of a router for a share of tokens; for none, its own.
 * @throws PilotfishError `threshold-invalid` if it was not calibrated
 */
export function routerThreshold(
  { strategy, calibration, defaultThreshold }: Router,
  share: number | null,
): number {
  if (share === null) return defaultThreshold;
  if (calibration !== null) return thresholdForTokenShare(calibration, share);
  const text = `${strategy}@${share * 100}%`;
  throw invalid(text, 'its router was not calibrated', 'Run `pilotfish calibrate` on the router.');
}

function missing(name: string): PilotfishError {
  return new PilotfishError('head-missing', `${name} needs a router trained for these models.`, {
    remedy: 'Train one with `pilotfish train router`, or name its file with --router.',
    fields: { strategy: name },
  });
}

function given(threshold: number | null): number {
  return required(threshold, 'a threshold was given or has a default');
}

const ENTRIES: readonly Entry[] = [
  {
    name: 'small',
    unit: null,
    summary: 'the small model alone',
    threshold: null,
    needs: ['small'],
    isLearned: false,
    costModels: [singleModelCost('small')],
    build: () => singleModel('small'),
  },
  {
    name: 'large',
    unit: null,
    summary: 'the large model alone',
    threshold: null,
    needs: ['large'],
    isLearned: false,
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
      deferralSide: entropyGate.deferralSide,
    },
    needs: BOTH,
    isLearned: false,
    costModels: [tokenRoutingCost(entropyGate)],
    build: ({ threshold }) => tokenRouting(entropyGate, given(threshold), 'entropy'),
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
      deferralSide: marginGate.deferralSide,
    },
    needs: BOTH,
    isLearned: false,
    costModels: [tokenRoutingCost(marginGate)],
    build: ({ threshold }) => tokenRouting(marginGate, given(threshold), 'margin'),
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
      deferralSide: randomGate.deferralSide,
    },
    needs: BOTH,
    isLearned: false,
    costModels: [tokenRoutingCost(randomGate)],
    build: ({ threshold }) => tokenRouting(randomGate, given(threshold), 'share'),
  },
  ...LEARNED.map(([name, summary]) => learned(name, summary)),
  {
    name: 'cascade',
    unit: 'query',
    summary: "the large model answers anew where the small one's answer is unsure",
    threshold: {
      name: 'entropy',
      default: 0.3,
      meaning: 'the large model writes answers whose mean entropy, in nats, exceeds it',
      isShare: false,
      deferralSide: 'above',
    },
    needs: BOTH,
    isLearned: false,
    costModels: [cascadeCost],
    build: ({ threshold }) => cascade(given(threshold)),
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
      deferralSide: 'below',
    },
    needs: BOTH,
    isLearned: false,
    costModels: [randomQueryCost],
    build: ({ threshold }) => randomQuery(given(threshold)),
  },
  {
    name: 'speculative',
    unit: null,
    summary: "the large model's own text, drafted by the small one or by prompt lookup",
    threshold: null,
    needs: BOTH,
    isLearned: false,
    costModels: [draftModelCost, promptLookupCost],
    build: (_parsed, options) => speculative(options.speculative),
  },
];

export const STRATEGIES: readonly StrategyInfo[] = ENTRIES;

export interface ParsedStrategy {
  readonly name: string;
  /** Null for strategies without one, and where a trained router says; the default where none was given. */
  readonly threshold: number | null;
  /** Of tokens, where a share was given instead of a trained router's threshold. */
  readonly share?: number;
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
  if (given === null) return { name, threshold: entry.threshold.default };
  if (entry.isLearned && given.endsWith('%')) {
    return {
      name,
      threshold: null,
      share: parse(text, given, { ...entry.threshold, isShare: true }),
    };
  }
  return { name, threshold: parse(text, given, entry.threshold) };
}

/**
 * Builds a strategy that requests can share.
 * @throws as `parseStrategy`; PilotfishError `head-missing`
 */
export function createStrategy(text: string, options: StrategyOptions = {}): Strategy {
  const parsed = parseStrategy(text);
  return find(parsed.name).build(parsed, options);
}

/** Whether a strategy needs a trained router. @throws as `parseStrategy` */
export function isLearned(text: string): boolean {
  return find(parseStrategy(text).name).isLearned;
}

/** The models that a strategy needs. @throws as `parseStrategy` */
export function rolesOf(text: string, options: StrategyOptions = {}): readonly ModelRole[] {
  const { needs, isLearned } = find(parseStrategy(text).name);
  // What it is given may spare it a model; a router never does.
  return isLearned ? needs : createStrategy(text, options).needs;
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
  const example = `Give a number, as in ${text.split('@')[0]}@${info.default ?? 0.9}: ${info.meaning}.`;
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
