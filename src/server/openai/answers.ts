/** The answers of one request: one run of the engine for each, side by side. */
import type { EngineEvent } from '../../core/events.ts';
import { required } from '../../core/invariant.ts';
import { seedOfDraw } from '../../core/noise.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import type { ServedPair } from '../served-pairs.ts';
import { merged } from './merge.ts';
import type { Used } from './usage.ts';

type SeededRequest = GenerateRequest & { readonly seed: number };

export interface Indexed {
  readonly index: number;
  readonly event: EngineEvent;
}

/**
 * Starts `count` runs of each request. Answers are numbered request by request. It returns once the first
 * has begun and all prompts were read, so that a refusal comes before anything is sent. The others begin
 * as they are read: one that has begun holds its room until it is read to its end, and they may need it.
 * @throws as `Engine.generate`
 */
export async function begun(
  { engine }: Pick<ServedPair, 'engine'>,
  requests: readonly SeededRequest[],
  count: number,
): Promise<AsyncGenerator<Indexed, void>> {
  for (const request of requests.slice(1)) {
    engine.check(request);
    engine.promptTokens(request);
  }
  const [begins, ...others] = requests.flatMap((request) =>
    Array.from({ length: count }, (_, draw) =>
      engine.generate({ ...request, seed: seedOfDraw(request.seed, draw) }),
    ),
  );
  const run = required(begins, 'a request has an answer');
  const { value } = await run.next();
  const first = value === undefined ? [] : [{ index: 0, event: value }];
  return merged([
    indexed(run, 0, first),
    ...others.map((other, index) => indexed(other, index + 1, [])),
  ]);
}

async function* indexed(
  run: AsyncGenerator<EngineEvent, void>,
  index: number,
  first: readonly Indexed[],
): AsyncGenerator<Indexed, void> {
  yield* first;
  for await (const event of run) yield { index, event };
}

/** The starts and summaries of answers, as they come. */
export class UsedAnswers {
  readonly #parts = new Map<number, { start?: Used['start']; summary?: Used['summary'] }>();

  push({ index, event }: Indexed): void {
    const part = this.#parts.get(index) ?? {};
    if (event.type === 'start') this.#parts.set(index, { ...part, start: event });
    if (event.type === 'summary') this.#parts.set(index, { ...part, summary: event });
  }

  of(index: number): Used {
    const { start, summary } = this.#parts.get(index) ?? {};
    return { start: required(start, 'a start'), summary: required(summary, 'a summary') };
  }

  all(): readonly Used[] {
    return [...this.#parts.keys()].sort((a, b) => a - b).map((index) => this.of(index));
  }
}
