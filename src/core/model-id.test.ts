import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelOf, MODEL_LABELS, type ModelLabel, modelsById } from './model-id.ts';

const named = (name: string) => ({ name });

const anyModels = fc.dictionary(
  fc.constantFrom(...MODEL_LABELS),
  fc.option(
    fc.constantFrom('qwen', 'qwen (large)', 'qwen (reward)', 'qwen (large) (large)', '').map(named),
  ),
) as fc.Arbitrary<{ [L in ModelLabel]?: { name: string } | null }>;

describe('modelsById', () => {
  it('gives each model its name as its id', () => {
    const [small, large] = [named('tiny'), named('huge')];
    expect(modelsById({ small, large })).toEqual({
      models: { tiny: small, huge: large },
      labels: { small: 'tiny', large: 'huge' },
    });
  });

  it('leaves out labels without a model', () => {
    expect(modelsById({ small: null, large: named('huge') }).labels).toEqual({ large: 'huge' });
  });

  it('adds the label to the later of two equal names', () => {
    const { labels } = modelsById({
      large: named('qwen'),
      small: named('qwen'),
      judge: named('qwen'),
    });
    expect(labels).toEqual({ small: 'qwen', large: 'qwen (large)', judge: 'qwen (judge)' });
  });

  it('loses no model and gives no id twice, whatever the names are', () => {
    fc.assert(
      fc.property(anyModels, (byLabel) => {
        const { models, labels } = modelsById(byLabel);
        for (const label of MODEL_LABELS) {
          const [model, id] = [byLabel[label] ?? null, labels[label]];
          if (model === null) expect(id).toBeUndefined();
          else expect(models[id ?? '']).toBe(model);
        }
        const given = Object.values(labels);
        expect(new Set(given).size).toBe(given.length);
        expect(Object.keys(models).sort()).toEqual([...given].sort());
      }),
    );
  });
});

describe('labelOf', () => {
  it('finds the label of a model, and null for a model without one', () => {
    const labels = { small: 'tiny', reward: 'prm' };
    expect(labelOf(labels, 'prm')).toBe('reward');
    expect(labelOf(labels, 'huge')).toBeNull();
  });
});
