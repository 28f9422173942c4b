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
  tokenEmbeddings: null,
};

describe('estimateMemory', () => {
  it('adds the file, the KV cache of the context and the buffers of the largest forward', () => {
    const estimate = estimateMemory(FILE, { cellCount: 4096, rowCountMax: 512 });
    expect(estimate.weightBytes).toBe(400_000_000);
    expect(estimate.kvBytes).toBe(4096 * 12_000);
    expect(estimate.computeBytes).toBeGreaterThan(512 * 50_000 * 4);
    expect(estimate.totalBytes).toBe(
      estimate.weightBytes + estimate.kvBytes + estimate.computeBytes,
    );
  });

  it('grows with the context and with the rows of a forward, each on its own', () => {
    const base = estimateMemory(FILE, { cellCount: 1000, rowCountMax: 8 });
    const longer = estimateMemory(FILE, { cellCount: 2000, rowCountMax: 8 });
    const wider = estimateMemory(FILE, { cellCount: 1000, rowCountMax: 16 });
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
        '450 MB are available.',
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
  const MEMINFO = 'MemTotal:       8000000 kB\nMemFree: 1 kB\nMemAvailable:    4000000 kB\n';
  const readerOf =
    (files: Readonly<Record<string, string>>) =>
    (path: string): string =>
      files[path.split('/').at(-1) ?? ''] ?? '';

  it('is positive, and at most the memory of this machine', () => {
    expect(availableMemoryBytes()).toBeGreaterThan(0);
    expect(availableMemoryBytes()).toBeLessThanOrEqual(totalmem());
  });

  it('is the available memory that Linux reports', () => {
    expect(availableMemoryBytes(readerOf({ meminfo: MEMINFO }))).toBe(4_096_000_000);
  });

  it('is the rest of the container limit, if that is less', () => {
    const container = { 'memory.max': '3000000000\n', 'memory.current': '1000000000\n' };
    const files = { meminfo: MEMINFO, ...container };
    expect(availableMemoryBytes(readerOf(files))).toBe(2_000_000_000);
    const roomy = { ...files, 'memory.max': '9000000000\n' };
    expect(availableMemoryBytes(readerOf(roomy))).toBe(4_096_000_000);
  });

  it('does not count the cached file pages of the container as used', () => {
    const files = {
      meminfo: MEMINFO,
      'memory.max': '3000000000\n',
      'memory.current': '2900000000\n',
      'memory.stat':
        'anon 300000000\nfile 2600000000\ninactive_anon 7\nactive_anon 7\n' +
        'inactive_file 1500000000\nactive_file 1000000000\nworkingset_refault_file 5\n',
    };
    expect(availableMemoryBytes(readerOf(files))).toBe(2_600_000_000);
  });

  it('has no limit if the container has none, and never goes below zero', () => {
    const free = { meminfo: MEMINFO, 'memory.max': 'max\n', 'memory.current': '1\n' };
    expect(availableMemoryBytes(readerOf(free))).toBe(4_096_000_000);
    const full = { ...free, 'memory.max': '5\n', 'memory.current': '9\n' };
    expect(availableMemoryBytes(readerOf(full))).toBe(0);
  });

  it('asks the system if no file tells', () => {
    expect(availableMemoryBytes(readerOf({}))).toBeGreaterThan(0);
  });
});
