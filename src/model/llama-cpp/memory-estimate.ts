/**
 * Estimates whether a model fits, before anything is loaded, because a machine that runs out of
 * memory kills the process instead of raising an error. The estimate is of the working set. The
 * library maps the file and keeps a repacked copy of some weights, but the mapped originals are not
 * read again, so that the system can drop them (measured in docs/LOG.md, 2026-11-21).
 */
import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { PilotfishError } from '../../core/errors.ts';
import type { ModelFileFacts } from './model-file.ts';

interface ContextShape {
  readonly cellCount: number;
  readonly rowCountMax: number;
}

export interface MemoryEstimate {
  readonly weightBytes: number;
  readonly kvBytes: number;
  /** Activations and logits of the largest forward. */
  readonly computeBytes: number;
  readonly totalBytes: number;
}

/**
 * Bytes per float of activations that a graph keeps alive at once, as a multiple of the hidden size.
 * Measured on the default pair (docs/LOG.md) and rounded up.
 */
const LIVE_ACTIVATIONS = 32;

export function estimateMemory(file: ModelFileFacts, shape: ContextShape): MemoryEstimate {
  const weightBytes = file.byteCount;
  const kvBytes = file.kvBytesPerToken * shape.cellCount;
  const floatsPerRow = file.vocabularySize * 2 + file.hiddenSize * LIVE_ACTIVATIONS;
  const computeBytes = shape.rowCountMax * floatsPerRow * 4;
  return { weightBytes, kvBytes, computeBytes, totalBytes: weightBytes + kvBytes + computeBytes };
}

/**
 * The memory that the system could provide. On Linux it includes caches that the system would free.
 * @param read the text of a file, empty if there is none
 */
export function availableMemoryBytes(read: (path: string) => string = readText): number {
  const candidates = [meminfoAvailable(read), cgroupAvailable(read)].filter(
    (value) => value !== null,
  );
  return candidates.length > 0 ? Math.min(...candidates) : freemem();
}

function meminfoAvailable(read: (path: string) => string): number | null {
  const match = /^MemAvailable:\s+(\d+) kB$/m.exec(read('/proc/meminfo'));
  return match?.[1] === undefined ? null : Number(match[1]) * 1024;
}

/**
 * The rest of a container's limit; null without a limit. The container counts cached file pages as
 * used, and a model that was just pulled or verified is fully cached.
 */
function cgroupAvailable(read: (path: string) => string): number | null {
  const number = (name: string): number =>
    Number(read(`/sys/fs/cgroup/${name}`).trim() || Number.NaN);
  const [limit, used] = [number('memory.max'), number('memory.current')];
  if (!Number.isFinite(limit) || !Number.isFinite(used)) return null;
  const cached = read('/sys/fs/cgroup/memory.stat').matchAll(/^(?:in)?active_file (\d+)$/gm);
  const cachedBytes = [...cached].reduce((sum, match) => sum + Number(match[1]), 0);
  return Math.max(0, limit - Math.max(0, used - cachedBytes));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** @throws PilotfishError `memory-insufficient` */
export function checkMemory(name: string, estimate: MemoryEstimate, availableBytes: number): void {
  if (estimate.totalBytes <= availableBytes) return;
  throw new PilotfishError(
    'memory-insufficient',
    `${name} needs about ${megabytes(estimate.totalBytes)} (weights ` +
      `${megabytes(estimate.weightBytes)}, KV cache ${megabytes(estimate.kvBytes)}, computing ` +
      `${megabytes(estimate.computeBytes)}); ${Math.floor(availableBytes / 1e6)} MB are available.`,
    {
      remedy: 'Close other programs, choose a smaller model, or give a smaller --context.',
      fields: { model: name, neededBytes: estimate.totalBytes, availableBytes },
    },
  );
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}
