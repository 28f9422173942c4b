/** The texts of `speculative` that a seed repeats, on scripted models. */
import { describe, expect, it } from 'vitest';
import { Engine } from '../../src/engine/engine.ts';
import type { SpeculativeOptions } from '../../src/strategy/strategy-options.ts';
import { scriptedModel } from '../simulation/scripted-pair.ts';

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

function engineOf(speculative: SpeculativeOptions): Engine {
  const shape = { contextLength: 80, sequenceCountMax: 4 };
  const models = { small: scriptedModel('small', shape), large: scriptedModel('large', shape) };
  return new Engine({ models, speculative });
}

async function textsOf(engine: Engine, prompt = 'abc'): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const seed of SEEDS) {
    const sampling = { temperature: 1 };
    const request = { prompt, seed, sampling, strategy: 'speculative', maxTokens: 30 };
    for await (const event of engine.generate(request)) {
      if (event.type === 'summary') texts.push(event.text);
    }
  }
  return texts;
}

describe('the same seed', () => {
  it.each<SpeculativeOptions>([
    { proposer: 'small', draftLength: 3 },
    { proposer: 'small', verifier: 'rejection', draftLength: 3 },
    { proposer: 'prompt-lookup', verifier: 'rejection', draftLength: 4 },
  ])('repeats its text with %j, after any earlier requests', async (options) => {
    await using engine = engineOf(options);
    const texts = await textsOf(engine);
    // Changes the acceptance statistics and the cached prefixes.
    await textsOf(engine, 'kkaakkaa');
    expect(await textsOf(engine)).toEqual(texts);
    expect(new Set(texts).size).toBeGreaterThan(1);
  });

  it('repeats the text of coupling at any draft length, of rejection at the same one', async () => {
    const textsAt = async (options: SpeculativeOptions): Promise<readonly string[]> => {
      await using engine = engineOf({ proposer: 'small', ...options });
      return await textsOf(engine);
    };
    expect(await textsAt({ draftLength: 1 })).toEqual(await textsAt({ draftLength: 4 }));
    const verifier = 'rejection';
    const short = await textsAt({ verifier, draftLength: 1 });
    expect(short).not.toEqual(await textsAt({ verifier, draftLength: 4 }));
  });
});
