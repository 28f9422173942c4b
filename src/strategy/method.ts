/**
 * A method: all facts about one named way to decide, beside the decoder itself. Each method's facts
 * stand in its decoder's file. Help, evaluation, report and advice read them here, so that none of them
 * knows a method by its name (docs/decisions/0019-a-strategy-is-one-value.md).
 */

import { required } from '../core/invariant.ts';
import type { ModelLabel } from '../core/model-id.ts';
import type { Unit } from '../core/unit.ts';
import type { DeferralSide, Gate } from '../judging/gate.ts';
import type { CostModel } from '../machines/cost-model.ts';
import type { MethodStyle } from './method-style.ts';
import type { Strategy } from './strategy.ts';
import type { StrategyOptions, UplinkOptions } from './strategy-options.ts';

export type { Unit } from '../core/unit.ts';

/** From the smallest to the largest. */
export const UNITS: readonly Unit[] = ['token', 'draft', 'step', 'query'];

export interface ThresholdFacts {
  readonly name: string;
  /** Null: the trained head has the default. */
  readonly default: number | null;
  /** The meaning and direction of the threshold, for help texts. */
  readonly meaning: string;
  /** Shares lie in [0, 1] and may be given in percent; other thresholds are any finite number. */
  readonly isShare: boolean;
  /** The side of the threshold on which scores call the large model; null: no score does. */
  readonly deferralSide: DeferralSide | null;
}

export interface Method {
  /** The name that users type: lower-case words, joined by dashes. */
  readonly name: string;
  /** One line for help texts. */
  readonly summary: string;
  /** Null: it decides nothing (one model alone, or a lossless method). */
  readonly unit: Unit | null;
  /**
   * For a random control: the unit of the methods that it controls. It tosses coins, so an evaluation
   * runs it with several seeds. Null: it is no control.
   */
  readonly controlOf: Unit | null;
  readonly threshold: ThresholdFacts | null;
  /** The gate that scores every token; null if there is none, or if a trained head is the gate. */
  readonly gate: Gate | null;
  /** The head that must be trained for a pair of models before the method can run. */
  readonly head: HeadNeed | null;
  /** Whether a fit of U-HLM decides about it where the pair has one; absent: none does. */
  readonly fit?: FitUse | undefined;
  /** Whether it chooses by the costs of steps on this machine, which are then measured beforehand. */
  readonly usesStepCosts: boolean;
  /**
   * The groups of options that its answers depend on; absent: none but for steps and
   * queries, whose answers depend on how steps end and on samples.
   */
  readonly optionGroups?: readonly OptionGroup[];
  /** What a device sends with a draft by default; absent: it transmits no drafts. */
  readonly sends?: NonNullable<UplinkOptions['sends']>;
  /** The labels of the models that it uses. */
  readonly needs: readonly ModelLabel[];
  /** Its expected work: one model for each way in which it can work, at least one. */
  readonly costModels: readonly CostModel[];
  /** Null: pictures draw it by its role (a model alone, a control), or in a free style. */
  readonly style: MethodStyle | null;
  /** Its name in sentences, if the name alone does not suit. */
  readonly phrase?: string;
  /** @throws PilotfishError `head-missing`, `threshold-invalid`, `option-invalid` */
  build(value: StrategyValue, options: StrategyOptions): Strategy;
}

export type OptionGroup = 'steps' | 'samples' | 'uplink';

const STEP_GROUPS: readonly OptionGroup[] = ['steps', 'samples'];

export function optionGroupsOf({ optionGroups, unit }: Method): readonly OptionGroup[] {
  const byDefault = unit === 'step' || unit === 'query' ? STEP_GROUPS : [];
  return optionGroups ?? byDefault;
}

export interface FitUse {
  /** Whether its default threshold is that of the fit. */
  readonly givesThreshold: boolean;
}

export interface HeadNeed {
  readonly kind: HeadKind;
  /** The strategy that the head was trained for. Several methods may use one head. */
  readonly name: string;
}

/** A router judges tokens, a reward head judges steps. */
export type HeadKind = 'router' | 'reward';

/** One strategy: a method at a threshold. It is parsed once, where a user's text comes in. */
export interface StrategyValue {
  readonly method: Method;
  /** Null: none was given, and the default of the method or of its head holds. */
  readonly threshold: number | null;
  /** The share of tokens that was given instead of a trained head's threshold; null: none was given. */
  readonly share: number | null;
  /** `NAME` or `NAME@THRESHOLD`, as the user wrote it. */
  readonly text: string;
}

/** Whether it tosses coins and ignores the text. Other methods of its unit have to beat it. */
export function isRandomControl({ controlOf }: Method): boolean {
  return controlOf !== null;
}

/** The name of the gate or router whose scores decide; of other methods, their own. */
export function scoreName({ name, gate, head }: Method): string {
  return gate?.name ?? (head?.kind === 'router' ? head.name : name);
}

/** Whether its threshold decides how much the large model writes. */
export function choosesModels({ threshold }: Method): boolean {
  return threshold !== null && threshold.deferralSide !== null;
}

/** Whether it needs no model beside the pair. */
export function isOfPair({ needs }: Pick<Method, 'needs'>): boolean {
  return needs.every((label) => label === 'small' || label === 'large');
}

/** Whether it reads values off the small model's logits, which takes a pass over the vocabulary. */
export function readsLogits({ costModels }: Method): boolean {
  return costModels.some((model) => model.readsLogits);
}

/** The threshold that was given, or the default of a method that has one. */
export function thresholdOf({ method, threshold }: StrategyValue): number {
  return required(threshold ?? method.threshold?.default, `${method.name} has a threshold`);
}
