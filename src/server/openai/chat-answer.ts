/** Chat completions: whole, and in parts. */
import type { TokenEvent } from '../../core/events.ts';
import { type Answer, finishReasonOf, type Provenance, provenanceOf } from './answer.ts';
import type { Head, PartOptions, Parts } from './head.ts';
import { type Accounting, accountingOf, type Usage, type Used, usageOf } from './usage.ts';

interface TokenLogprob {
  readonly token: string;
  readonly logprob: number | null;
  readonly bytes: readonly number[];
  readonly top_logprobs: readonly never[];
}

export function chatCompletion(
  { id, created, model }: Head,
  answers: readonly Answer[],
  options: PartOptions,
): object {
  const choices = answers.map(({ text, tokens, finishReason }, index) => ({
    index,
    message: { role: 'assistant', content: text, refusal: null },
    logprobs: options.logprobs ? { content: tokens.map(logprobOf), refusal: null } : null,
    finish_reason: finishReason,
  }));
  const accounting: (Accounting & { provenance?: readonly Provenance[] })[] = answers.map(
    (answer) => ({
      ...accountingOf(answer),
      ...(options.provenance ? { provenance: answer.tokens.map(provenanceOf) } : {}),
    }),
  );
  return {
    ...{
      id,
      object: 'chat.completion',
      created,
      model,
      choices,
      usage: usageOf(answers, options.answersPerPrompt),
    },
    pilotfish: accounting.length === 1 ? accounting[0] : { answers: accounting },
  };
}

export class ChatParts implements Parts {
  readonly #head: Head;
  readonly #options: PartOptions;

  constructor(head: Head, options: PartOptions) {
    this.#head = head;
    this.#options = options;
  }

  first(index: number): object {
    return this.#part([{ index, delta: { role: 'assistant', content: '' }, finish_reason: null }]);
  }

  token(index: number, event: TokenEvent): object {
    const { logprobs, provenance } = this.#options;
    const part = this.#part([
      {
        ...{ index, delta: { content: event.text } },
        logprobs: logprobs ? { content: [logprobOf(event)], refusal: null } : null,
        finish_reason: null,
      },
    ]);
    return provenance ? { ...part, pilotfish: provenanceOf(event) } : part;
  }

  end(index: number, used: Used): object {
    const finish_reason = finishReasonOf(used.summary.finishReason);
    const part = this.#part([{ index, delta: {}, logprobs: null, finish_reason }]);
    return { ...part, pilotfish: accountingOf(used) };
  }

  /** Behind the last answer, for clients that asked for it. */
  usage(answers: readonly Used[]): object {
    return { ...this.#part([]), usage: usageOf(answers, this.#options.answersPerPrompt) };
  }

  #part(choices: readonly object[]): object {
    const { id, created, model } = this.#head;
    const usage: { usage?: Usage | null } = this.#options.includesUsage ? { usage: null } : {};
    return { id, object: 'chat.completion.chunk', created, model, choices, ...usage };
  }
}

function logprobOf({ text, logprob }: TokenEvent): TokenLogprob {
  return { token: text, logprob, bytes: [...Buffer.from(text, 'utf8')], top_logprobs: [] };
}
