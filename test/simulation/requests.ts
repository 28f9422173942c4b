/** Requests of a plan: how they are made, and the text that each writes in an engine of its own. */
import type { EngineEvent, SummaryEvent } from '../../src/core/events.ts';
import { required } from '../../src/core/invariant.ts';
import type { ModelRole } from '../../src/core/model-id.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import type { ScriptedModel } from '../../src/model/scripted/scripted-model.ts';
import { type EnginePlan, type RequestPlan, WIDTH } from './plan.ts';
import { scriptedModel } from './scripted-pair.ts';

type AskedPlan = Omit<RequestPlan, 'arrivesAt' | 'trouble'>;

export function generateRequest(plan: AskedPlan, signal?: AbortSignal): GenerateRequest {
  const { prompt, strategy, seed, temperature, maxTokens, stop, reusePrefix, drafts } = plan;
  return {
    prompt,
    strategy,
    seed,
    maxTokens,
    stop,
    reusePrefix,
    drafts,
    sampling: { temperature, ...(plan.isPenalised ? { frequencyPenalty: 0.5 } : {}) },
    ...(signal === undefined ? {} : { signal }),
  };
}

/** The text of a request. */
export interface Written {
  readonly ids: readonly number[];
  readonly summary: SummaryEvent | null;
}

export function written(events: readonly EngineEvent[]): Written {
  return {
    ids: events.flatMap((event) => (event.type === 'token' ? [event.tokenId] : [])),
    summary: events.find((event) => event.type === 'summary') ?? null,
  };
}

/** The oracle: each request alone in a fresh engine. */
export class Alone {
  readonly #plan: EnginePlan;
  readonly #known = new Map<string, Written>();

  constructor(plan: EnginePlan) {
    this.#plan = plan;
  }

  async writes(plan: AskedPlan): Promise<Written & { readonly summary: SummaryEvent }> {
    const key = JSON.stringify(generateRequest(plan));
    const found = this.#known.get(key) ?? (await this.#run(plan));
    this.#known.set(key, found);
    return { ...found, summary: required(found.summary, 'a request alone ends well') };
  }

  async #run(plan: AskedPlan): Promise<Written> {
    const { contextLength, rowCountMax, speculative, steps, samples } = this.#plan;
    const model = (role: ModelRole): ScriptedModel =>
      scriptedModel(role, {
        ...{ rowCountMax, sequenceCountMax: WIDTH, contextLength: contextLength[role] },
        cellCount: WIDTH * contextLength[role],
      });
    const models = { small: model('small'), large: model('large') };
    await using engine = new Engine({ models, speculative, steps, samples });
    const events: EngineEvent[] = [];
    for await (const event of engine.generate(generateRequest(plan))) events.push(event);
    return written(events);
  }
}
