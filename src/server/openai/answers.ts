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
 * Starts `count` runs of each request. It returns once each has begun, so that a refusal comes before
 * anything is sent. Answers are numbered request by request.
 * @throws as `Engine.generate`
 */
export async function begun(
  { engine }: Pick<ServedPair, 'engine'>,
  requests: readonly SeededRequest[],
  count: number,
): Promise<AsyncGenerator<Indexed, void>> {
  const runs = requests.flatMap((request) =>
    Array.from({ length: count }, (_, draw) =>
      engine.generate({ ...request, seed: seedOfDraw(request.seed, draw) }),
    ),
  );
  try {
    const first = await Promise.all(runs.map((run) => run.next()));
    return merged(runs.map((run, index) => indexed(run, first[index]?.value ?? null, index)));
  } catch (error) {
    await Promise.allSettled(runs.map((run) => run.return(undefined)));
    throw error;
  }
}

async function* indexed(
  run: AsyncGenerator<EngineEvent, unknown>,
  first: EngineEvent | null,
  index: number,
): AsyncGenerator<Indexed, void> {
  if (first !== null) yield { index, event: first };
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
