/** Real models for the tests of this folder: found on this machine, or pulled. */
import { ensureModel, findModel } from '../../src/catalog/ensure-model.ts';
import type { EngineEvent, SummaryEvent, TokenEvent } from '../../src/core/events.ts';
import { required } from '../../src/core/invariant.ts';
import type { TokenId } from '../../src/core/token-id.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';

export const SMALL = 'qwen2.5-coder-0.5b-instruct';
export const LARGE = 'qwen2.5-coder-1.5b-instruct';
export const TINY = 'smollm2-135m-instruct';

/** A slice for CI: fewer tokens and models, but the same checks. */
export const IS_SLICE: boolean = process.env['PILOTFISH_REAL_SLICE'] === '1';

/**
 * Forwards of 1 and of n rows run other kernels. On the library builds that this program knows, the
 * logits of the real pair differ by up to this much (docs/LOG.md), so either of two tokens closer than
 * this may be the better.
 */
export const LOGIT_NOISE = 0.6;

/** The path of a model, pulled if it is not here. */
export async function realModel(name: string): Promise<string> {
  const local = await ensureModel(name, {
    onNotice: (message) => process.stderr.write(`${message}\n`),
  });
  return local.path;
}

/**
 * Whether the default pair is available. A slice requires it to be here already: pulling it takes a
 * minute.
 */
export async function hasPair(): Promise<boolean> {
  if (!IS_SLICE) return true;
  const found = await Promise.all([SMALL, LARGE].map((name) => findModel(name)));
  return found.every((model) => model !== null);
}

export interface Run {
  readonly events: readonly EngineEvent[];
  readonly tokens: readonly TokenEvent[];
  readonly ids: readonly TokenId[];
  readonly summary: SummaryEvent;
}

export async function run(engine: Engine, request: GenerateRequest): Promise<Run> {
  const events: EngineEvent[] = [];
  for await (const event of engine.generate(request)) events.push(event);
  const tokens = events.filter((event) => event.type === 'token');
  const summary = events.find((event) => event.type === 'summary');
  return {
    events,
    tokens,
    ids: tokens.map((token) => token.tokenId),
    summary: required(summary, 'a finished run has a summary'),
  };
}
