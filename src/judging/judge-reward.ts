/**
 * Rewards of models that answer with a label: generative judges and process reward models. A judge
 * reads a text of its own, in its own vocabulary, in one forward for each step, and writes nothing: the
 * reward is read off the probabilities of its labels.
 */
import type { ChatMessage } from '../core/chat-message.ts';
import { PilotfishError } from '../core/errors.ts';
import { required } from '../core/invariant.ts';
import type { ModelLabel } from '../core/model-id.ts';
import type { TokenId } from '../core/token-id.ts';
import type { Tokenizer } from '../core/tokenizer.ts';
import type { Session } from '../session/session.ts';
import {
  expectedReward,
  type JudgeLayout,
  type JudgeScale,
  type LabelTokens,
  labelTokens,
} from './judge-prompt.ts';
import type { DraftedStep, RewardContext, StepReward, StepScorer } from './step-reward.ts';

export interface JudgeSettings {
  readonly name: string;
  /** The model that judges. */
  readonly label: ModelLabel;
  readonly layout: JudgeLayout;
  /** The first one whose labels are single tokens of the model is used. */
  readonly scales: readonly JudgeScale[];
}

export function judgeReward(settings: JudgeSettings): StepReward {
  const { name, label } = settings;
  return {
    name,
    draftReads: {},
    needs: { [label]: { reads: READS, outputRowCount: 1, tokenIds: true } },
    begin: (context) => new Judge(settings, context),
  };
}

const READS = { tokenLogprobs: true };

/** A judge with its labels. It may be asked outside of a request, too. */
export class AskedJudge {
  readonly #layout: JudgeLayout;
  readonly #tokenizer: Tokenizer;
  readonly #labels: LabelTokens;

  /** @throws PilotfishError `capability-missing` if its labels are no single tokens */
  constructor(settings: JudgeSettings, tokenizer: Tokenizer) {
    this.#layout = settings.layout;
    this.#tokenizer = tokenizer;
    this.#labels = checkedLabels(settings, tokenizer);
  }

  /**
   * The reward of the last step, in [0, 1]; NaN if no label is possible.
   * @throws PilotfishError as `Session.rows`, `template-failed`
   */
  async reward(
    session: Session,
    messages: readonly ChatMessage[],
    steps: readonly string[],
  ): Promise<number> {
    const { ids, rewards, scale } = this.#labels;
    const [row] = await session.rows({
      ...{ text: this.#layout(messages, steps, this.#tokenizer, scale), outputCount: 1 },
      ...{ purpose: 'reward', reads: READS, scoredTokens: ids },
    });
    return expectedReward(required(row?.tokenLogprobs, 'they were asked for'), rewards);
  }
}

class Judge implements StepScorer {
  readonly #settings: JudgeSettings;
  readonly #context: RewardContext;
  readonly #asked: AskedJudge;
  /** Where the steps of the text began that were judged last, in tokens of the answer's text. */
  #starts: number[];

  /** @throws PilotfishError `capability-missing` if its labels are no single tokens */
  constructor(settings: JudgeSettings, context: RewardContext) {
    this.#settings = settings;
    this.#context = context;
    this.#asked = new AskedJudge(settings, context.tokenizer(settings.label));
    this.#starts = [context.promptLength];
  }

  score({ text, rows }: DraftedStep): Promise<number> {
    const { label } = this.#settings;
    const { messages, session } = this.#context;
    const start = text.length - rows.length;
    // Another draft of a step, and a step that another one replaced, begin where one began before.
    this.#starts = [...this.#starts.filter((earlier) => earlier < start), start];
    const ends = [...this.#starts.slice(1), text.length];
    const steps = this.#starts.map((from, at) => this.#textOf(text.slice(from, ends[at])));
    return this.#asked.reward(session(label), messages, steps);
  }

  #textOf(tokens: readonly TokenId[]): string {
    const bytes = tokens.map((id) => this.#context.tokenBytes(id));
    return Buffer.concat(bytes).toString('utf8');
  }
}

function checkedLabels({ name, label, scales }: JudgeSettings, tokenizer: Tokenizer): LabelTokens {
  const labels = labelTokens(scales, tokenizer);
  if (labels !== null) return labels;
  const tried = scales
    .map((scale) => scale.labels.map(({ spellings }) => `"${spellings[0]}"`).join(', '))
    .join('; or ');
  throw new PilotfishError(
    'capability-missing',
    `The strategy ${name} cannot use ${tokenizer.modelName} as its ${label} model: its labels are ` +
      `not single tokens there (${tried}).`,
    {
      remedy: `Choose another model with --${label}.`,
      fields: { strategy: name, label, model: tokenizer.modelName },
    },
  );
}
