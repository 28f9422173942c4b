/**
 * A cascade: the small model writes the whole answer, unseen. If it was unsure, the large model answers
 * anew. Unsure means a mean entropy above the threshold, over all tokens of the answer up to its end: an
 * end-of-generation token, a stop string or a limit. At the ends of the range the text is that of one
 * model alone.
 */
import { required } from '../core/invariant.ts';
import type { RowResult } from '../core/row-program.ts';
import type { RowReads } from '../core/row-reads.ts';
import { cascadeCost } from './cost-models.ts';
import { type Method, thresholdOf } from './method.ts';
import { HUES, solidLine } from './method-style.ts';
import { singleModel } from './single-model.ts';
import type { Decision, Decoder, Round, Strategy, StrategyContext } from './strategy.ts';
import { writeAnswer } from './write-answer.ts';
import { writtenBy } from './written-by.ts';

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
  optionGroups: [],
  needs: ['small', 'large'],
  costModels: [cascadeCost],
  style: solidLine(HUES.sky, 'circle'),
  build: (value) => cascade(thresholdOf(value)),
};

const READS: RowReads = { uncertainty: true };

function cascade(threshold: number): Strategy {
  return {
    name: 'cascade',
    needs: { small: { reads: READS }, large: {} },
    thresholds: { entropy: threshold },
    begin: (context) => new CascadeDecoder(context, threshold),
  };
}

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

  async round(round: Round): Promise<readonly Decision[]> {
    if (this.#score === null) {
      // The small model's whole answer.
      const small = this.#context.session('small');
      const answer = await writeAnswer(small, round, this.#context, { reads: READS });
      const score = meanEntropy(answer);
      this.#score = score;
      if (score <= this.#threshold) {
        return answer.map((row) => ({ ...writtenBy('small', row), score }));
      }
    }
    const score = this.#score;
    const decisions = await this.#large.round(round);
    return decisions.map((decision) => ({ ...decision, score }));
  }
}

/** The mean over the tokens of an answer, of which there is at least one. */
function meanEntropy(answer: readonly RowResult[]): number {
  const entropies = answer.map(({ entropy }) => required(entropy, 'entropies are read'));
  return entropies.reduce((sum, entropy) => sum + entropy, 0) / answer.length;
}
