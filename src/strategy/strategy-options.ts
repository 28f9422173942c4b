/** The options that a method is built with beside its threshold. */
import type { SamplingParams } from '../core/sampling-params.ts';
import type { RewardHead } from '../judging/reward-head.ts';
import type { Router } from '../judging/router.ts';
import type { Risk, UhlmFit } from '../judging/uhlm-fit.ts';
import type { StepCosts } from '../machines/step-costs.ts';
import type { DraftDistribution } from '../sampling/draft-distribution.ts';
import type { DraftLengthChoice } from '../speculative/proposer.ts';
import type { VerifierName } from '../speculative/verifiers.ts';
import type { RsdOptions } from './rsd-options.ts';
import type { SampleOptions } from './samples.ts';

export type ProposerName = 'auto' | 'small' | 'prompt-lookup';

export interface SpeculativeOptions {
  /** `auto`: the small model where it pays, else prompt lookup. */
  readonly proposer?: ProposerName | undefined;
  /** Default `coupling`. `rejection` repeats a seed's text only at a fixed draft length. */
  readonly verifier?: VerifierName | undefined;
  readonly draftLength?: DraftLengthChoice | undefined;
  /** Costs measured on this machine. Without them `auto` lengths draft nothing. */
  readonly costs?: StepCosts | null | undefined;
}

/** What a device sends with a draft. */
export interface UplinkOptions {
  /**
   * `distribution`: the small model's, and the hub accepts the draft or draws from the residual. `top`:
   * a compressed one. `ids`: nothing, and the hub compares the draft with its own draw by shared noise.
   * Greedy decoding needs no distribution. Default: `distribution`, of `cu-hlm` `top`.
   */
  readonly sends?: 'distribution' | 'top' | 'ids' | undefined;
  /**
   * Of `top`: the number of tokens that are sent; default 4. `offline`, `online`: the k* of CU-HLM, which
   * needs a fit: one for all drafts, or one for each.
   */
  readonly tokenCount?: number | 'offline' | 'online' | undefined;
  /** Of `top`: the bits of a probability, from 1 to 16; default 8. */
  readonly bitCount?: number | undefined;
  /**
   * Of `top`. `none`, the default, is lossless: the draft is drawn from the compressed distribution.
   * `uniform` is the paper's: the draft is drawn from the whole one, and the hub spreads evenly what is
   * not sent.
   */
  readonly rest?: 'none' | 'uniform' | undefined;
  /**
   * The threshold of the pair's fit that decides about drafts where no threshold is given: `averse`, up
   * to which no rejection is expected, or `prone`. Default: `averse` where the pair has a fit.
   */
  readonly risk?: Risk | undefined;
  /**
   * Tokens that the small model drafts on while the large one is asked about a draft, or to write one (token
   * routing), from 0 to 64; default 0. They are dropped if it decides otherwise. The text is the same.
   */
  readonly ahead?: number | undefined;
  /**
   * The most tokens that one call of the large model writes where token routing asks for one, from 1 to 64;
   * default 1. Those after the first are taken as long as the gate asks for them, and dropped otherwise.
   */
  readonly run?: number | undefined;
}

export interface StrategyOptions {
  /** Hybrid inference: what a device sends. */
  readonly uplink?: UplinkOptions | undefined;
  /** Told of what a device sends with each draft that it transmits. */
  readonly onTransmit?: ((distribution: DraftDistribution) => void) | undefined;
  readonly speculative?: SpeculativeOptions | undefined;
  /** Samples to choose from: answers, tries of a step, and further drafts of a step. */
  readonly samples?: SampleOptions | undefined;
  /** Steps: where they end, and how a reward decides. */
  readonly steps?: RsdOptions | undefined;
  /** Trained routers, by the name of the strategy that they were trained for. */
  readonly routers?: ReadonlyMap<string, Router> | undefined;
  /** Trained rewards, likewise. */
  readonly rewards?: ReadonlyMap<string, RewardHead> | undefined;
  /** Fits of U-HLM for the pair, one for each temperature. */
  readonly fits?: readonly UhlmFit[] | undefined;
  /** How the requests draw; default: greedily. Fits hold for their temperature and nothing else. */
  readonly sampling?: SamplingParams | undefined;
}
