import { describe, expect, it } from 'vitest';
import { tokenId } from '../core/token-id.ts';
import { ScriptedModel } from '../model/scripted/scripted-model.ts';
import { ModelSet } from './model-set.ts';

function model(name: string, options: { contextLength?: number; ends?: number[] } = {}) {
  const { contextLength = 64, ends = [2] } = options;
  return new ScriptedModel({
    ...{ name, tokens: ['a', 'b', '', ''], endOfGeneration: ends, contextLength },
    next: () => [1, 0, 0, 0],
  });
}

describe('the models of an engine', () => {
  it('have ids: their names, with the label where two models share a name', () => {
    const set = new ModelSet({ small: model('qwen'), large: model('qwen'), reward: model('prm') });
    expect(set.costs.labels).toEqual({ small: 'qwen', large: 'qwen (large)', reward: 'prm' });
    expect([...set.local().keys()]).toEqual(['qwen', 'qwen (large)', 'prm']);
  });

  it('that have two labels have one id and are disposed of once', async () => {
    const both = model('both');
    const set = new ModelSet({ small: model('small'), large: both, judge: both });
    expect(set.costs.labels).toEqual({ small: 'small', large: 'both', judge: 'both' });
    expect([...set.local().values()]).toHaveLength(2);
    expect([...set.labelCounts()]).toEqual([
      ['small', 1],
      ['both', 2],
    ]);
    await set[Symbol.asyncDispose]();
  });

  it('write up to the shorter context, and end where either model knows an end', () => {
    const set = new ModelSet({
      small: model('small', { contextLength: 32, ends: [2] }),
      large: model('large', { ends: [3] }),
      judge: model('judge', { contextLength: 8 }),
    });
    expect(set.contextLength).toBe(32);
    expect([...set.endOfGenerationIds].sort()).toEqual([2, 3]);
  });

  it('share the tokens of the answer; a model that writes none of it has its own', () => {
    const own = new ScriptedModel({
      ...{ name: 'judge', tokens: ['yes', 'no', ''], endOfGeneration: [2], contextLength: 8 },
      next: () => [1, 0, 0],
    });
    const set = new ModelSet({ small: model('small', { ends: [3] }), judge: own });
    const sizes = [set.tokensOf('small'), set.tokensOf('judge')];
    expect(sizes.map(({ vocabularySize }) => vocabularySize)).toEqual([4, 3]);
    expect(sizes.map((tokens) => tokens.isEndOfGeneration(tokenId(3)))).toEqual([true, false]);
    const texts = sizes.map((tokens) => new TextDecoder().decode(tokens.tokenBytes(tokenId(1))));
    expect(texts).toEqual(['b', 'no']);
    const [ofPair, ofJudge] = [set.tokenizerOf('small'), set.tokenizerOf('judge')];
    expect([ofPair.continued('ba'), ofJudge.continued('noyes')]).toEqual([
      [1, 0],
      [1, 0],
    ]);
    expect(ofJudge.chat([{ role: 'user', content: 'yesno' }])).toEqual([0, 1]);
    expect([ofJudge.beginning('no'), ofJudge.modelName]).toEqual([[1], 'judge']);
    expect(set.contextLengthOf('judge')).toBe(8);
  });

  it('are compared in cost with a model that is not loaded, at the given prices', () => {
    const { facts } = model('absent');
    const large = { inputPerMillion: 1, outputPerMillion: 2 };
    const set = new ModelSet(
      { small: model('small') },
      { absentFacts: { large: facts }, prices: { large } },
    );
    expect(set.costs.labels).toEqual({ small: 'small', large: 'absent' });
    expect(set.costs.models['absent']).toMatchObject({ name: 'absent', prices: large });
    expect(set.get('large')).toBeNull();
  });

  it('need a model that writes', () => {
    expect(() => new ModelSet({ reward: model('prm') })).toThrow('an engine needs a model');
  });
});
