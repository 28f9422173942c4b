/**
 * Compares texts "token for token" across forwards of other shapes, whose logits differ in the last
 * digits. Every token of a text is compared with the model's own choice at that position, in one-row
 * forwards and with the same noise.
 */
import { required } from '../core/invariant.ts';
import { noiseGumbel, noiseKey } from '../core/noise.ts';
import { type SamplingParams, samplingParams } from '../core/sampling-params.ts';
import { type TokenId, tokenId } from '../core/token-id.ts';
import type { LanguageModel } from '../model/roles.ts';
import { soleSession } from '../session/sole-session.ts';

export interface TeacherForced {
  /** Positions where the token is not the model's own choice in one-row forwards. */
  readonly otherCount: number;
  /** The greatest distance of such a token from the model's choice, in logits (noise included). */
  readonly worstGap: number;
}

/**
 * Feeds a text to a model token by token, in the shapes in which it would write it, and compares every
 * token with the model's own choice there under the same seed.
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
  await using session = soleSession(model, {
    promptLength: prompt.length,
    sampling: {
      vocabularySize: model.vocabulary.size,
      sampling: { ...sampling, temperature },
      seed,
    },
  });
  let otherCount = 0;
  let worstGap = 0;
  for (const [index, token] of answer.entries()) {
    const text = [...prompt, ...answer.slice(0, index)];
    const reads = { distribution: true };
    const [row] = await session.rows({ text, outputCount: 1, purpose: 'verify', reads });
    const probabilities = required(row?.distribution, 'the distribution was asked for');
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
