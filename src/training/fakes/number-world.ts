/**
 * A small world whose answers are known: two scripted models write short rows of numbers and often
 * agree, and the answer to a question is the last number. The text that either model or a policy writes
 * follows from the models' tables alone, without sequences.
 */

import { toHalf } from '../../core/half.ts';
import type { ModelRole } from '../../core/model-id.ts';
import { type TokenId, tokenId, tokenIds } from '../../core/token-id.ts';
import type { Question } from '../../evaluation/question.ts';
import { type Router, routerScore } from '../../judging/router.ts';
import { ScriptedModel, type ScriptedModelOptions } from '../../model/scripted/scripted-model.ts';
import { TrainingPair } from '../training-pair.ts';
import type { Trajectory } from '../trajectory.ts';
import { valueOfText } from '../value-of-text.ts';

const TOKENS: readonly string[] = ['; 1', '; 2', '; 3', '; 4', ''];
export const END: TokenId = tokenId(TOKENS.length - 1);
export const MAX_TOKENS = 12;
/** Values of a hidden state of the small model. */
export const HIDDEN_SIZE = 3;
/** One text in this many ends, and in one of this many the small model has another favourite. */
const END_RARITY = 7;
const DISAGREEMENT_RARITY = 3;

function hashOf(prefix: readonly TokenId[]): number {
  let hash = 11;
  for (const token of prefix) hash = (hash * 37 + token + 3) % 1_000_003;
  return hash;
}

export function isSmallOdd(prefix: readonly TokenId[]): boolean {
  return hashOf(prefix) % DISAGREEMENT_RARITY === 0;
}

export function nextOf(role: ModelRole): (prefix: readonly TokenId[]) => readonly number[] {
  return (prefix) => {
    const hash = hashOf(prefix);
    const shift = role === 'small' && isSmallOdd(prefix) ? 1 : 0;
    const favourite = hash % END_RARITY === 0 ? END : ((hash >> 2) + shift) % END;
    const sure = (hash >> 4) % 2 === 0 ? 0.8 : 0.4;
    return TOKENS.map((_, id) => {
      const rest = (1 - sure) / (TOKENS.length - 1);
      return id === favourite ? sure : rest * (role === 'small' ? 1 : 0.9 + id / 20);
    });
  };
}

/** The first number tells whether the models differ. The others carry no information. */
export function hiddenState(prefix: readonly TokenId[]): readonly number[] {
  const hash = hashOf(prefix);
  return [isSmallOdd(prefix) ? 1.5 : -0.5, (hash % 13) / 7, -(hash % 5) / 3];
}

export interface NumberWorld {
  readonly pair: TrainingPair;
  readonly models: Readonly<Record<ModelRole, ScriptedModel>>;
  /** The number of open sequences of both models. */
  openCount(): number;
  /** The number of tokens that both models were fed. */
  fedCount(): number;
}

export type Forwarding = Pick<
  ScriptedModelOptions,
  'onForward' | 'rowCountMax' | 'contextLength' | 'cellCount' | 'sequenceCountMax'
>;

export function numberWorld(options: Forwarding = {}): NumberWorld {
  const { onForward, rowCountMax = 8, contextLength = 64, cellCount = 100_000 } = options;
  const { sequenceCountMax = 1000 } = options;
  let fedCount = 0;
  const model = (role: ModelRole): ScriptedModel =>
    new ScriptedModel({
      name: role,
      tokens: TOKENS,
      endOfGeneration: [END],
      next: nextOf(role),
      hiddenState: role === 'small' ? hiddenState : () => [0],
      contextLength,
      cellCount,
      sequenceCountMax,
      rowCountMax,
      onForward: async (request, signal) => {
        fedCount += request.tokens.length;
        await onForward?.(request, signal);
      },
    });
  const models = { small: model('small'), large: model('large') };
  return {
    models,
    pair: new TrainingPair(models),
    openCount: () => models.small.sequenceCount + models.large.sequenceCount,
    fedCount: () => fedCount,
  };
}

export function promptOf(index: number): readonly TokenId[] {
  return tokenIds([...index.toString(4).padStart(4, '0')].map(Number));
}

/** The most likely next token. */
export function favourite(role: ModelRole, text: readonly TokenId[]): TokenId {
  const row = nextOf(role)(text);
  return tokenId(row.indexOf(Math.max(...row)));
}

export type Chooser = (text: readonly TokenId[]) => TokenId;

export const smallAlone: Chooser = (text) => favourite('small', text);
export const largeAlone: Chooser = (text) => favourite('large', text);

/** Chooses the next token of a router's policy. */
export function routed(router: Router, threshold: number): Chooser {
  const score = routerScore(router);
  return (text) => {
    const isCalled = score(toHalf(Float32Array.from(hiddenState(text)))) < threshold;
    return favourite(isCalled ? 'large' : 'small', text);
  };
}

/** Continues the text until it ends or has the greatest length. */
export function goOn(
  choose: Chooser,
  begun: readonly TokenId[],
  lengthMax: number,
): readonly TokenId[] {
  const text = [...begun];
  while (text.length < lengthMax && text.at(-1) !== END) text.push(choose(text));
  return text.slice(begun.length);
}

/** The answer is the large model's, except for one question in three, which has another answer. */
export function questionOf(index: number): Question {
  const prompt = promptOf(index);
  const last = goOn(largeAlone, prompt, prompt.length + MAX_TOKENS)
    .filter((token) => token !== END)
    .at(-1);
  const answer = String(1 + (((last ?? 0) + (index % 3 === 2 ? 1 : 0)) % END));
  const content = `numbers behind ${prompt.join(' ')}`;
  return {
    id: `numbers/${index}`,
    text: content,
    messages: [{ role: 'user', content }],
    answer,
    kind: 'number',
  };
}

const VOCABULARY = numberWorld().models.large.vocabulary;

export function worthOf(tokens: readonly TokenId[], question: Question): number {
  return valueOfText(tokens, question, VOCABULARY);
}

export function trajectoryOf(index: number, choose: Chooser = largeAlone): Trajectory {
  const question = questionOf(index);
  const prompt = promptOf(index);
  const tokens = goOn(choose, prompt, prompt.length + MAX_TOKENS);
  const source = choose === largeAlone ? 'large' : 'mixed';
  return { question, source, prompt, tokens, value: worthOf(tokens, question) };
}

/** The large model's right answers. */
export function solvedTrajectories(count: number, from = 0): readonly Trajectory[] {
  const found: Trajectory[] = [];
  for (let index = from; found.length < count; index += 1) {
    const trajectory = trajectoryOf(index);
    if (trajectory.value === 1) found.push(trajectory);
  }
  return found;
}
