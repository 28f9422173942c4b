/** One answer of a request, folded from its events. */
import type { TokenEvent } from '../../core/events.ts';
import type { FinishReason } from '../../core/finish-reason.ts';
import { type Indexed, UsedAnswers } from './answers.ts';
import type { Used } from './usage.ts';

export interface Answer extends Used {
  readonly text: string;
  readonly tokens: readonly TokenEvent[];
  readonly finishReason: 'stop' | 'length';
}

/** In the order of their numbers. */
export async function wholeAnswers(events: AsyncIterable<Indexed>): Promise<readonly Answer[]> {
  const used = new UsedAnswers();
  const tokens = new Map<number, TokenEvent[]>();
  for await (const one of events) {
    used.push(one);
    const { index, event } = one;
    if (event.type === 'start') tokens.set(index, []);
    if (event.type === 'token') tokens.get(index)?.push(event);
  }
  return used.all().map((each, index) => ({
    ...{ ...each, tokens: tokens.get(index) ?? [], text: each.summary.text },
    finishReason: finishReasonOf(each.summary.finishReason),
  }));
}

export function finishReasonOf(reason: FinishReason): 'stop' | 'length' {
  return reason === 'end-of-generation' || reason === 'stop-string' ? 'stop' : 'length';
}

/** Which model wrote a token, for clients that ask. */
export interface Provenance {
  readonly origin: TokenEvent['origin'];
  readonly verified: boolean;
  readonly score: number | null;
}

export function provenanceOf({ origin, verified, score }: TokenEvent): Provenance {
  return { origin, verified, score };
}
