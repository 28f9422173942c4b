import { totalmem } from 'node:os';
import { describe, expect, it } from 'vitest';
import { PilotfishError } from '../../core/errors.ts';
import { availableMemoryBytes, checkMemory, estimateMemory } from './memory-estimate.ts';
import type { ModelFileFacts } from './model-file.ts';

const FILE: ModelFileFacts = {
  path: '/models/tiny.gguf',
  byteCount: 400_000_000,
  architecture: 'llama',
  name: 'tiny',
  quantisation: 'q4_K',
  layerCount: 24,
  hiddenSize: 1000,
  vocabularySize: 50_000,
  contextLengthMax: 32_768,
  tensorCount: 10,
  weightBytes: 300_000_000,
  parameterCounts: { body: 1, outputHead: 1 },
  chatTemplate: null,
  kvBytesPerToken: 12_000,
};

describe('estimateMemory', () => {
  it('adds the file, the KV cache of the context and the buffers of the largest forward', () => {
    const estimate = estimateMemory(FILE, { contextLength: 4096, rowCountMax: 512 });
    expect(estimate.weightBytes).toBe(400_000_000);
    expect(estimate.kvBytes).toBe(4096 * 12_000);
    expect(estimate.computeBytes).toBeGreaterThan(512 * 50_000 * 4);
    expect(estimate.totalBytes).toBe(
      estimate.weightBytes + estimate.kvBytes + estimate.computeBytes,
    );
  });

  it('grows with the context and with the rows of a forward, each on its own', () => {
    const base = estimateMemory(FILE, { contextLength: 1000, rowCountMax: 8 });
    const longer = estimateMemory(FILE, { contextLength: 2000, rowCountMax: 8 });
    const wider = estimateMemory(FILE, { contextLength: 1000, rowCountMax: 16 });
    expect(longer).toMatchObject({ kvBytes: base.kvBytes * 2, computeBytes: base.computeBytes });
    expect(wider).toMatchObject({ kvBytes: base.kvBytes, computeBytes: base.computeBytes * 2 });
  });
});

describe('checkMemory', () => {
  const estimate = {
    weightBytes: 400_000_000,
    kvBytes: 49_152_000,
    computeBytes: 1_000_001,
    totalBytes: 450_152_001,
  };

  it('lets a model load that just fits', () => {
    expect(() => checkMemory('tiny', estimate, estimate.totalBytes)).not.toThrow();
  });

  it('refuses one byte less, with every number and what to do', () => {
    const check = (): void => checkMemory('tiny', estimate, estimate.totalBytes - 1);
    expect(check).toThrow(PilotfishError);
    expect(check).toThrow(
      'tiny needs about 451 MB (weights 400 MB, KV cache 50 MB, computing 2 MB); ' +
        '451 MB are available.',
    );
    expect(check).toThrow(
      expect.objectContaining({
        code: 'memory-insufficient',
        remedy: expect.stringContaining('--context'),
        fields: {
          model: 'tiny',
          neededBytes: estimate.totalBytes,
          availableBytes: estimate.totalBytes - 1,
        },
      }),
    );
  });
});

describe('availableMemoryBytes', () => {
  it('is some of this machine, at most all of it', () => {
    expect(availableMemoryBytes()).toBeGreaterThan(0);
    expect(availableMemoryBytes()).toBeLessThanOrEqual(totalmem());
  });
});
