/** A pair that writes steps of letters, and judges with a vocabulary of their own. */
import type { EngineEvent, WorkEvent } from '../../src/core/events.ts';
import { samplingParams } from '../../src/core/sampling-params.ts';
import { type TokenId, tokenIds } from '../../src/core/token-id.ts';
import { type LabelledModels, ModelSet } from '../../src/engine/model-set.ts';
import { runRequest } from '../../src/engine/run-request.ts';
import type { ScriptedModelOptions } from '../../src/model/scripted/scripted-model.ts';
import { ScriptedModel } from '../../src/model/scripted/scripted-model.ts';
import type { Strategy } from '../../src/strategy/strategy.ts';

/** Letters, the separator of steps, the end. */
const TOKENS: readonly string[] = ['a', 'b', '\n\n', ''];
export const A = 0;
export const B = 1;
const SEPARATOR = 2;
export const END = 3;
const PROMPT = tokenIds([A, B]);

/** A model whose answer is this text. */
export function writer(answer: readonly number[], prompt: number = PROMPT.length): ScriptedModel {
  return new ScriptedModel({
    ...{ name: `writer of ${answer.join('')}`, tokens: TOKENS, endOfGeneration: [END] },
    next: ({ length }) => {
      const wanted = answer[length - prompt] ?? END;
      return TOKENS.map((_, id) => (id === wanted ? 0.7 : 0.1));
    },
  });
}

/** Single characters, and labels that are tokens of more than one. */
export const JUDGE_TOKENS: readonly string[] = [
  ...Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at)),
  ...['к', 'и', '\n', 'yes', 'no', ' +', ' -', ''],
];

/** Gives labels the probabilities of the text that it has read, and the rest to the end. */
export function judge(
  labelsOf: (text: string, length: number) => Readonly<Record<string, number>>,
  options: Partial<ScriptedModelOptions> = {},
): ScriptedModel {
  const tokens = options.tokens ?? JUDGE_TOKENS;
  return new ScriptedModel({
    ...{ name: 'judge', tokens, contextLength: 4000, rowCountMax: 4000 },
    endOfGeneration: [tokens.length - 1],
    next: (prefix) => {
      const labels = labelsOf(prefix.map((id) => tokens[id]).join(''), prefix.length);
      const left = 1 - Object.values(labels).reduce((sum, chance) => sum + chance, 0);
      return tokens.map((token, id) => (id === tokens.length - 1 ? left : (labels[token] ?? 0)));
    },
    ...options,
  });
}

export interface Judged {
  readonly events: readonly EngineEvent[];
  readonly text: string;
  /** The scores of the steps, in order. */
  readonly scores: readonly (number | null)[];
  /** The rewards' own work. */
  readonly rewards: readonly WorkEvent[];
}

export async function run(models: LabelledModels, strategy: Strategy): Promise<Judged> {
  await using set = new ModelSet(models);
  const events: EngineEvent[] = [];
  const request = {
    ...{ sampling: samplingParams({}), maxTokens: 40, stop: [], seed: 0, logprobs: false },
  };
  const running = runRequest({
    ...{ request, models: set, strategy, prompt: PROMPT, lease: set.soleLease() },
    ...{ clock: { nowMs: () => 0 }, signal: new AbortController().signal },
  });
  for await (const event of running) events.push(event);
  const tokens = events.filter((event) => event.type === 'token');
  const rounds = new Map(tokens.map(({ round, score }) => [round, score]));
  return {
    events,
    text: tokens.map(({ text }) => text).join(''),
    scores: [...rounds.values()],
    rewards: events.filter((event) => event.type === 'work').filter(isReward),
  };
}

/** The first reading of a text counts as a prefill up to the length of the prompt. */
function isReward({ model, purpose }: WorkEvent): boolean {
  return purpose === 'reward' || (purpose === 'prefill' && model === 'judge');
}

export function rowCount(work: readonly WorkEvent[]): number {
  return work.flatMap(({ rowCounts }) => rowCounts).reduce((sum, count) => sum + count, 0);
}

export function steps(...all: (readonly TokenId[] | readonly number[])[]): readonly number[] {
  return all.flatMap((step) => [...step, SEPARATOR]);
}
