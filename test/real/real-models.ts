/** Real models for the tests of this folder: found on this machine, or pulled. */
import { ensureModel } from '../../src/catalog/ensure-model.ts';
import type { EngineEvent, SummaryEvent, TokenEvent } from '../../src/core/events.ts';
import { present } from '../../src/core/invariant.ts';
import { noiseGumbel, noiseKey } from '../../src/core/noise.ts';
import { type SamplingParams, samplingParams } from '../../src/core/sampling-params.ts';
import { type TokenId, tokenId } from '../../src/core/token-id.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { LazySequence } from '../../src/kv-cache/lazy-sequence.ts';
import { WorkRecorder } from '../../src/kv-cache/work-recorder.ts';
import type { LanguageModel } from '../../src/model/roles.ts';

export const SMALL = 'qwen2.5-coder-0.5b-instruct';
export const LARGE = 'qwen2.5-coder-1.5b-instruct';
export const TINY = 'smollm2-135m-instruct';

/** A slice for CI: fewer tokens and models, the same checks. */
export const IS_SLICE: boolean = process.env['PILOTFISH_REAL_SLICE'] === '1';

/**
 * Forwards of 1 and of n rows run other kernels. On the library builds known to this program the
 * logits of the real pair differ by up to this much (docs/LOG.md), so the better of two tokens that
 * are closer than this may be either.
 */
export const LOGIT_NOISE = 0.6;

/** The path of a model, pulled if it is not here. */
export async function realModel(name: string): Promise<string> {
  const local = await ensureModel(name, {
    onNotice: (message) => process.stderr.write(`${message}\n`),
  });
  return local.path;
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
    summary: present(summary, 'a finished run has a summary'),
  };
}

export interface TeacherForced {
  /** Positions where the token is not the model's own choice in one-row forwards. */
  readonly otherCount: number;
  /** How far the worst of them is behind the model's choice, in logits (noise included). */
  readonly worstGap: number;
}

/**
 * Feeds a text to a model token by token, in the shapes in which it would write it, and compares
 * every token with what the model would have chosen there with the same seed.
 */
export async function teacherForce(
  model: LanguageModel,
  prompt: readonly TokenId[],
  answer: readonly TokenId[],
  options: { sampling?: Partial<SamplingParams>; seed?: number } = {},
): Promise<TeacherForced> {
  const sampling = samplingParams(options.sampling);
  const seed = options.seed ?? 0;
  const temperature = sampling.temperature === 0 ? 1 : sampling.temperature;
  await using sequence = new LazySequence({
    role: 'large',
    sequence: model.openSequence(),
    promptLength: prompt.length,
    rowCountMax: model.facts.rowCountMax,
    recorder: new WorkRecorder(),
  });
  let otherCount = 0;
  let worstGap = 0;
  for (const [index, token] of answer.entries()) {
    const text = [...prompt, ...answer.slice(0, index)];
    const [row] = await sequence.rows({
      text,
      outputCount: 1,
      purpose: 'verify',
      program: {
        vocabularySize: model.vocabulary.size,
        sampling: { ...sampling, temperature },
        seed,
        purpose: 'sample',
        distribution: true,
      },
    });
    const probabilities = present(row?.distribution, 'the distribution was asked for');
    const key = noiseKey(seed, text.length, 'sample');
    const value = (id: TokenId): number =>
      Math.log(probabilities[id] ?? 0) + (sampling.temperature === 0 ? 0 : noiseGumbel(key, id));
    const best = bestOf(probabilities.length, value);
    if (best === token) continue;
    otherCount += 1;
    worstGap = Math.max(worstGap, (value(best) - value(token)) * temperature);
  }
  return { otherCount, worstGap };
}

function bestOf(size: number, value: (id: TokenId) => number): TokenId {
  let best = tokenId(0);
  for (let id = 1; id < size; id += 1) if (value(tokenId(id)) > value(best)) best = tokenId(id);
  return best;
}
