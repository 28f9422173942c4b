/**
 * A cascade: the small model writes the whole answer, unseen; where it was unsure of it, the large
 * model answers anew. Unsure is a mean entropy above the threshold, over all tokens of the answer.
 * At the ends of the range the text is that of one model alone.
 */
import { required } from '../core/invariant.ts';
import { type RowReads, withReads } from '../core/row-reads.ts';
import { cascadeCost } from './cost-models.ts';
import { type Method, thresholdOf } from './method.ts';
import { HUES, solidLine } from './method-style.ts';
import { singleModel } from './single-model.ts';
import type { Decision, Decoder, Round, Strategy, StrategyContext } from './strategy.ts';

export const cascadeMethod: Method = {
  name: 'cascade',
  summary: "the large model answers anew where the small one's answer is unsure",
  unit: 'query',
  controlOf: null,
  threshold: {
    name: 'entropy',
    default: 0.3,
    meaning: 'the large model writes answers whose mean entropy, in nats, exceeds it',
    isShare: false,
    deferralSide: 'above',
  },
  gate: null,
  head: null,
  usesStepCosts: false,
  needs: ['small', 'large'],
  costModels: [cascadeCost],
  style: solidLine(HUES.sky, 'circle'),
  build: (value) => cascade(thresholdOf(value)),
};

function cascade(threshold: number): Strategy {
  return {
    name: 'cascade',
    needs: ['small', 'large'],
    thresholds: { entropy: threshold },
    begin: (context) => new CascadeDecoder(context, threshold),
  };
}

/** Of every row of the small model's answer. */
const READS: RowReads = { uncertainty: true };

class CascadeDecoder implements Decoder {
  readonly #context: StrategyContext;
  readonly #threshold: number;
  readonly #large: Decoder;
  /** Null until the small model has answered. */
  #score: number | null = null;

  constructor(context: StrategyContext, threshold: number) {
    this.#context = context;
    this.#threshold = threshold;
    this.#large = singleModel('large').begin(context);
  }

  async round(round: Round, signal: AbortSignal): Promise<readonly Decision[]> {
    if (this.#score === null) {
      const answer = await this.#draft(round, signal);
      const score = meanEntropy(answer);
      this.#score = score;
      if (score <= this.#threshold) return answer.map(({ decision }) => ({ ...decision, score }));
    }
    const score = this.#score;
    const decisions = await this.#large.round(round, signal);
    return decisions.map((decision) => ({ ...decision, score }));
  }

  /** The small model's whole answer, to its end or to the limit. */
  async #draft({ text, tokenCountMax }: Round, signal: AbortSignal): Promise<readonly Drafted[]> {
    const { sequence, program, isEndOfGeneration } = this.#context;
    const drafted: Drafted[] = [];
    const whole = [...text];
    while (drafted.length < tokenCountMax) {
      const reading = withReads(program, READS);
      const draft = { text: whole, outputCount: 1, program: reading, purpose: 'draft' as const };
      const [row] = await sequence('small').rows(draft, signal);
      const { tokenId: choice, logprob, entropy } = required(row, 'one output row');
      const decision = { tokenId: choice, origin: 'small' as const, logprob, score: null };
      drafted.push({
        decision: { ...decision, verified: false, proposedTokenId: null },
        entropy: required(entropy, 'the row program computes the entropy'),
      });
      whole.push(choice);
      if (isEndOfGeneration(choice)) break;
    }
    return drafted;
  }
}

interface Drafted {
  readonly decision: Decision;
  readonly entropy: number;
}

/** Over the tokens of an answer: at least one. */
function meanEntropy(answer: readonly Drafted[]): number {
  return answer.reduce((sum, { entropy }) => sum + entropy, 0) / answer.length;
}
