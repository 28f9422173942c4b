/** The methods of hybrid inference: which uncertainty decides, and what is sent by default. */
import { joinReads } from '../core/row-reads.ts';
import type { Gate } from '../judging/gate.ts';
import {
  draftProbabilityGate,
  perturbationGate,
  sampledPerturbationGate,
  unbiasedPerturbationGate,
} from '../judging/perturbation.ts';
import type { CostModel } from '../machines/cost-model.ts';
import { classMarginGate } from './class-margin.ts';
import { tokenRoutingCost } from './cost-models.ts';
import { entropyGate } from './entropy.ts';
import { chosenThreshold } from './fitted-uplink.ts';
import { marginGate } from './margin.ts';
import { type Method, thresholdOf } from './method.ts';
import { HUES, solidLine } from './method-style.ts';
import { randomGate } from './random.ts';
import type { UplinkOptions } from './strategy-options.ts';
import { hybrid } from './uhlm.ts';

type Facts = Pick<Method, 'name' | 'summary' | 'gate' | 'threshold' | 'style'> & {
  /** What it sends by default. */
  readonly sends?: UplinkOptions['sends'];
};

function method({ sends = 'distribution', ...facts }: Facts): Method {
  const { name, gate } = facts;
  const reads = joinReads(gate?.reads ?? {}, { distribution: true });
  const cost = tokenRoutingCost({ name, reads });
  return {
    ...{ ...facts, unit: 'draft', controlOf: null, head: null },
    usesStepCosts: false,
    ...{ optionGroups: ['uplink'], sends },
    fit: { givesThreshold: gate === perturbationGate },
    needs: ['small', 'large'],
    costModels: [gate === null ? always(cost) : cost],
    build: (value, { uplink: asked = {}, ...options }) => {
      const given = gate === null ? 0 : thresholdOf(value);
      const byFit = gate === perturbationGate && value.threshold === null;
      const { threshold, note } = byFit
        ? chosenThreshold(value, { ...options, uplink: asked }, given)
        : { threshold: given, note: null };
      const uplink = { ...asked, sends: asked.sends ?? sends };
      const thresholdName = facts.threshold?.name;
      const { fits, sampling, onTransmit } = options;
      const sending = { uplink, fits, sampling, onTransmit };
      return hybrid(name, { gate, threshold, thresholdName, note, ...sending });
    },
  };
}

/** Every draft is verified by a call. */
function always(cost: CostModel): CostModel {
  return { ...cost, parameter: null, work: (plan) => cost.work({ ...plan, value: 1 }) };
}

function gated(
  name: string,
  gate: Gate,
  facts: Pick<Facts, 'summary' | 'style' | 'sends'> & {
    readonly default: number;
    readonly scale: string;
  },
): Method {
  const { summary, style, sends, scale, default: byDefault } = facts;
  const side = gate.deferralSide === 'above' ? 'above' : 'below';
  const byFit =
    gate === perturbationGate ? "; by default that of the pair's fit, if it has one" : '';
  const meaning = `${scale}: drafts ${side} it are transmitted${byFit}`;
  const { deferralSide } = gate;
  const threshold = { name: gate.name, default: byDefault, meaning, isShare: false, deferralSide };
  return method({ name, summary, gate, threshold, style, sends });
}

const UNCERTAINTY = 'the uncertainty, from 0 to 1';

export const HYBRID_METHODS: readonly Method[] = [
  method({
    name: 'hlm',
    summary: 'hybrid inference: every draft is transmitted, and verified by the large model',
    ...{ gate: null, threshold: null, style: null },
  }),
  gated('uhlm', perturbationGate, {
    summary: 'the same, but drafts stand that other temperatures would draw, too (U-HLM)',
    ...{ default: 0.08, scale: UNCERTAINTY, style: solidLine(HUES.sky, 'square') },
  }),
  gated('cu-hlm', perturbationGate, {
    summary: 'the same with a compressed distribution (CU-HLM)',
    ...{ default: 0.08, scale: UNCERTAINTY, style: solidLine(HUES.green, 'cross'), sends: 'top' },
  }),
  gated('uhlm-unbiased', unbiasedPerturbationGate, {
    summary: 'the same by an uncertainty that does not look at the draft',
    ...{ default: 0.08, scale: UNCERTAINTY, style: solidLine(HUES.teal, 'diamond') },
  }),
  gated('uhlm-sampled', sampledPerturbationGate, {
    summary: 'U-HLM as in its paper: by 20 draws at other temperatures',
    ...{ default: 0.08, scale: 'the share of other tokens', style: solidLine(HUES.sky, 'cross') },
  }),
  gated('uhlm-pd', draftProbabilityGate, {
    summary: "the same by the draft's own probability",
    ...{ default: 0.1, scale: '1 - the probability', style: solidLine(HUES.indigo, 'square') },
  }),
  gated('uhlm-entropy', entropyGate, {
    summary: "the same by the small model's entropy",
    ...{ default: 0.5, scale: 'the entropy, in nats', style: solidLine(HUES.blue, 'diamond') },
  }),
  gated('uhlm-margin', marginGate, {
    summary: 'the same by the margin of its best token',
    ...{
      default: 0.7,
      scale: 'the margin, from 0 to 1',
      style: solidLine(HUES.vermilion, 'cross'),
    },
  }),
  gated('uhlm-class-margin', classMarginGate, {
    summary: 'the same by the margin, and only of digits and operators',
    ...{ default: 0.7, scale: 'the margin, from 0 to 1', style: null },
  }),
  {
    ...method({
      name: 'random-uhlm',
      summary: 'the same by a coin: the control',
      gate: randomGate,
      threshold: {
        ...{ name: 'share', default: 0.3, isShare: true, deferralSide: 'below' },
        meaning: 'this share of the drafts is transmitted, from 0 to 1 (or 30%)',
      },
      style: null,
    }),
    controlOf: 'draft',
    phrase: 'random transmission',
  },
];
