/** Advice as a pure function of its inputs: cost scenarios, parameter values, strategies. */
import type { TokenPrices } from '../../core/events.ts';
import { required } from '../../core/invariant.ts';
import type { ByRole, ModelRole } from '../../core/model-id.ts';
import {
  type Advice,
  BILLINGS,
  type Billing,
  type CostScenario,
  costAdvice,
} from '../../machines/advise.ts';
import type { CostParameter } from '../../machines/cost-model.ts';
import type { ForwardCosts } from '../../machines/forward-costs.ts';
import type { MachineProfile } from '../../machines/machine-profile.ts';
import { type CostedModel, profileCosts } from '../../machines/profile-costs.ts';
import { type ServedCosts, type ServedTimes, withoutReading } from '../../machines/served-costs.ts';
import { isOfPair, type Method } from '../../strategy/method.ts';
import { METHODS } from '../../strategy/methods.ts';
import { largeMethod } from '../../strategy/single-model.ts';
import type { AcceptanceStatistics, LookupStatistics } from './measure-acceptance.ts';

export const PROMPT_TOKEN_COUNT_DEFAULT = 128;
export const ANSWER_TOKEN_COUNT_DEFAULT = 256;

/** The user's assumptions about strategies, lengths and prices. */
export interface AdviceAssumptions {
  /** Share of the tokens that the large model writes, for routing; from 0 to 1. */
  readonly share?: number | undefined;
  /** Share of the small model's drafts that hold, for speculation; from 0 to 1. */
  readonly acceptance?: number | undefined;
  /** The hit rate and acceptance of prompt lookup. */
  readonly lookup?: LookupStatistics | undefined;
  /** Tokens of a prompt; default 128. */
  readonly promptTokenCount?: number | undefined;
  /** Tokens of an answer; default 256. */
  readonly answerTokenCount?: number | undefined;
  /** Prices of the models' tokens. Without them no price is compared. */
  readonly prices?: Partial<ByRole<TokenPrices>> | undefined;
  /** The rows that a call of the large model is billed for; default `kept`. */
  readonly billing?: Billing | undefined;
}

/** The facts that advice is computed from. */
export interface AdviceInputs {
  readonly models: Readonly<Record<ModelRole, CostedModel>>;
  readonly profile: MachineProfile;
  readonly remoteProfile: MachineProfile;
  /** Milliseconds to the remote large model and back; null if nothing is remote. */
  readonly roundTripMs: number | null;
  /** Null if nothing was tried out. */
  readonly statistics: AcceptanceStatistics | null;
  /** The server that the large model runs on; absent: it could run on this machine. */
  readonly server?: AdvisedServer | undefined;
}

/** A server as it was measured, and what works with it. */
export interface AdvisedServer {
  readonly engine: string;
  readonly host: string;
  /** The model's name on the server. */
  readonly model: string;
  /** Null: the server does not say. */
  readonly version: string | null;
  readonly times: ServedTimes;
  readonly costs: ServedCosts;
  /** The methods that work with it, by name. */
  readonly works: readonly string[];
}

/** Advice for one place of the large model. */
export interface PlacedAdvice {
  readonly place: 'local' | 'remote';
  readonly roundTripMs: number;
  /** The machine that the large model runs on. */
  readonly largeProfile: MachineProfile;
  /** Advice on each way in which a method can work, in the order of `METHODS`. */
  readonly strategies: readonly Advice[];
}

export interface AdviceReport {
  readonly models: Readonly<Record<ModelRole, CostedModel>>;
  /** The machine that the small model runs on. */
  readonly profile: MachineProfile;
  readonly promptTokenCount: number;
  readonly answerTokenCount: number;
  readonly prices: ByRole<TokenPrices>;
  readonly billing: Billing;
  /** The hit rate and acceptance of prompt lookup; null if they are unknown: no advice on it then. */
  readonly lookup: LookupStatistics | null;
  /** Null if nothing was tried out. */
  readonly statistics: AcceptanceStatistics | null;
  /** The server that the large model runs on; null: it could run on this machine. */
  readonly server: AdvisedServer | null;
  /** Methods that do not work with the server. */
  readonly unavailable: readonly string[];
  /**
   * The large model on its server; else on the same machine and, if a round trip is known, behind a
   * network.
   */
  readonly places: readonly [PlacedAdvice, ...PlacedAdvice[]];
}

/** @throws PilotfishError `profile-incomplete` */
export function adviceReport(
  inputs: AdviceInputs,
  assumptions: AdviceAssumptions,
  methods: readonly Method[] = METHODS,
): AdviceReport {
  const { models, profile, remoteProfile, roundTripMs, statistics, server = null } = inputs;
  const { promptTokenCount = PROMPT_TOKEN_COUNT_DEFAULT } = assumptions;
  const { answerTokenCount = ANSWER_TOKEN_COUNT_DEFAULT } = assumptions;
  const { prices, billing = BILLINGS[0], lookup = statistics?.lookup ?? null } = assumptions;
  const facts = {
    ...{ models, profile, promptTokenCount, answerTokenCount },
    prices: { small: prices?.small ?? null, large: prices?.large ?? null },
    ...{ billing, lookup, statistics, server },
    unavailable: methods.filter((method) => !isAvailable(method, server)).map(({ name }) => name),
  };
  const available = methods.filter((method) => isAvailable(method, server));
  const knownValue = knownValues(assumptions, facts);
  const place = (where: Omit<PlacedAdvice, 'strategies'>): PlacedAdvice => ({
    ...where,
    strategies: adviceOnAll(available, scenarioOf(facts, where), knownValue),
  });
  const there = { place: 'remote', largeProfile: remoteProfile } as const;
  if (server !== null) {
    return { ...facts, places: [place({ ...there, roundTripMs: server.costs.roundTripMs })] };
  }
  const here = place({ place: 'local', roundTripMs: 0, largeProfile: profile });
  if (roundTripMs === null) return { ...facts, places: [here] };
  return { ...facts, places: [here, place({ ...there, roundTripMs })] };
}

/** The small model alone needs no server. */
function isAvailable({ name, needs }: Method, server: AdvisedServer | null): boolean {
  return server === null || !needs.includes('large') || server.works.includes(name);
}

type Facts = Omit<AdviceReport, 'places'>;
type KnownValue = (method: Method, parameter: CostParameter | null) => number | null;

function scenarioOf(
  facts: Facts,
  { largeProfile, roundTripMs }: Omit<PlacedAdvice, 'strategies'>,
): CostScenario {
  const { models, profile, promptTokenCount, answerTokenCount, prices, billing, lookup } = facts;
  const { small, large } = models;
  const { keepsPrefix, readMs } = facts.server?.costs ?? {};
  const largeCosts = costsOn(largeProfile, large, facts);
  const rereads = keepsPrefix === false;
  return {
    models: {
      small: { ...small, costs: costsOn(profile, small, facts), prices: prices.small },
      large: {
        ...large,
        costs: rereads ? withoutReading(largeCosts) : largeCosts,
        prices: prices.large,
      },
    },
    ...{ roundTripMs, billing, promptTokenCount, answerTokenCount },
    lookupHitRate: lookup?.hitRate,
    rereadMs: rereads ? readMs : 0,
  };
}

/** Includes the measured overhead of the engine if the profile is of this machine. */
function costsOn(
  of: MachineProfile,
  model: CostedModel,
  { profile, statistics }: Facts,
): ForwardCosts {
  const costs = profileCosts(of, model);
  const seenMs = of === profile ? (statistics?.overheadMs ?? 0) : 0;
  return { ...costs, overheadMs: Math.max(costs.overheadMs, seenMs) };
}

function adviceOnAll(
  methods: readonly Method[],
  scenario: CostScenario,
  knownValue: KnownValue,
): readonly Advice[] {
  const alone = required(largeMethod.costModels[0], 'every method has a cost model');
  return methods.flatMap((method) =>
    method.costModels.flatMap((model) => {
      const value = knownValue(method, model.parameter);
      return value === null ? [] : [costAdvice(model, alone, scenario, value)];
    }),
  );
}

/** The value that the user assumes, or else the one that was tried out; null if neither is known. */
function knownValues({ share, acceptance }: AdviceAssumptions, facts: Facts): KnownValue {
  const { statistics, lookup } = facts;
  return ({ name, threshold, head, needs }, parameter) => {
    // Not every method is tried out on a slow server.
    const untried = statistics === null ? 0 : null;
    const byDefault = threshold?.isShare === true ? threshold.default : untried;
    switch (parameter) {
      case null:
        return 0;
      case 'share':
        // Nothing is known about a router that does not exist yet, nor about a model beside the pair.
        if (head !== null || !isOfPair({ needs })) return share ?? null;
        return share ?? statistics?.shares[name] ?? byDefault;
      case 'acceptance':
        return acceptance ?? statistics?.acceptance ?? 0;
      case 'lookup-acceptance':
        // It depends on the texts, not on the pair, so `acceptance` says nothing about it.
        return lookup?.acceptance ?? null;
    }
  };
}
