/** Completions of plain prompts: whole, and in parts. */
import type { TokenEvent } from '../../core/events.ts';
import { type Answer, finishReasonOf, provenanceOf } from './answer.ts';
import type { Head, PartOptions, Parts } from './head.ts';
import { accountingOf, type Used, usageOf } from './usage.ts';

export function textCompletion(
  { id, created, model }: Head,
  answers: readonly Answer[],
  options: PartOptions,
): object {
  const choices = answers.map(({ text, tokens, finishReason }, index) => ({
    ...{ index, text, finish_reason: finishReason },
    logprobs: options.logprobs ? logprobsOf(tokens) : null,
  }));
  const accounting = answers.map((answer) => ({
    ...accountingOf(answer),
    ...(options.provenance ? { provenance: answer.tokens.map(provenanceOf) } : {}),
  }));
  return {
    ...{
      id,
      object: 'text_completion',
      created,
      model,
      choices,
      usage: usageOf(answers, options.answersPerPrompt),
    },
    pilotfish: accounting.length === 1 ? accounting[0] : { answers: accounting },
  };
}

export class CompletionParts implements Parts {
  readonly #head: Head;
  readonly #options: PartOptions;
  /** The characters that each answer has so far. */
  readonly #offsets = new Map<number, number>();

  constructor(head: Head, options: PartOptions) {
    this.#head = head;
    this.#options = options;
  }

  first(): null {
    return null;
  }

  token(index: number, event: TokenEvent): object {
    const { logprobs, provenance } = this.#options;
    const offset = this.#offsets.get(index) ?? 0;
    this.#offsets.set(index, offset + event.text.length);
    const part = this.#part([
      {
        ...{ index, text: event.text, finish_reason: null },
        logprobs: logprobs ? logprobsOf([event], offset) : null,
      },
    ]);
    return provenance ? { ...part, pilotfish: provenanceOf(event) } : part;
  }

  end(index: number, used: Used): object {
    const finish_reason = finishReasonOf(used.summary.finishReason);
    const part = this.#part([{ index, text: '', logprobs: null, finish_reason }]);
    return { ...part, pilotfish: accountingOf(used) };
  }

  usage(answers: readonly Used[]): object {
    return { ...this.#part([]), usage: usageOf(answers, this.#options.answersPerPrompt) };
  }

  #part(choices: readonly object[]): object {
    const { id, created, model } = this.#head;
    const usage = this.#options.includesUsage ? { usage: null } : {};
    return { id, object: 'text_completion', created, model, choices, ...usage };
  }
}

function logprobsOf(tokens: readonly TokenEvent[], begin = 0): object {
  let offset = begin;
  return {
    tokens: tokens.map(({ text }) => text),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: null,
    text_offset: tokens.map(({ text }) => {
      offset += text.length;
      return offset - text.length;
    }),
  };
}
