/**
 * The state of a network's training on disk: written now and then, and when it is interrupted, so that
 * the next run goes on from there. Of another training (other rows, other settings) it is nothing.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileError, parsedJson } from '../../evaluation/growing-file.ts';
import type { EpochReport, TrainingCheckpoint } from '../../network/checkpoint.ts';
import { decodeSafetensors, encodeSafetensors } from '../../network/safetensors.ts';
import type { Objective } from '../labels/targets.ts';
import type { FitSettings } from './fit-router.ts';
import type { TrainingRows } from './training-rows.ts';

export interface TrainingIdentity {
  readonly objective: Objective;
  readonly fit: FitSettings;
  readonly rows: TrainingRows;
}

const PARTS = ['current', 'first', 'second', 'best'] as const;
/** Between two writes: an epoch of a small network takes less than writing it. */
const WRITE_INTERVAL_MS = 5000;

export class KeptCheckpoint {
  readonly #path: string;
  readonly #identity: string;
  #checkpoint: TrainingCheckpoint | null;
  #writtenMs = performance.now();
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, identity: string, checkpoint: TrainingCheckpoint | null) {
    this.#path = path;
    this.#identity = identity;
    this.#checkpoint = checkpoint;
  }

  /** @throws PilotfishError `file-system-failed` */
  static async open(path: string, training: TrainingIdentity): Promise<KeptCheckpoint> {
    const identity = identityOf(training);
    const bytes = await readIfThere(path);
    return new KeptCheckpoint(
      path,
      identity,
      bytes === null ? null : decode(bytes, path, identity),
    );
  }

  /** What an earlier run came to; null: nothing, or another training. */
  get checkpoint(): TrainingCheckpoint | null {
    return this.#checkpoint;
  }

  keep(checkpoint: TrainingCheckpoint): void {
    this.#checkpoint = checkpoint;
    if (performance.now() - this.#writtenMs < WRITE_INTERVAL_MS) return;
    this.#writtenMs = performance.now();
    // A failure shows when it is written for the last time.
    this.#writing = this.#writing.then(() => this.#write()).catch(() => undefined);
  }

  /** On disk when it returns. @throws PilotfishError `disk-full`, `file-system-failed` */
  async write(): Promise<void> {
    await this.#writing;
    await this.#write();
  }

  async remove(): Promise<void> {
    await this.#writing;
    await rm(this.#path, { force: true });
  }

  async #write(): Promise<void> {
    if (this.#checkpoint === null) return;
    const bytes = encode(this.#checkpoint, this.#identity);
    try {
      await mkdir(dirname(this.#path), { recursive: true });
      await writeFile(`${this.#path}.tmp`, bytes);
      await rename(`${this.#path}.tmp`, this.#path);
    } catch (error) {
      throw fileError(error, this.#path);
    }
  }
}

function identityOf({ objective, fit, rows }: TrainingIdentity): string {
  const hash = createHash('sha256').update(JSON.stringify([objective, fit]));
  const { targets, logSmall, logLarge, dataset } = rows;
  for (const numbers of [targets, logSmall, logLarge, dataset.features, dataset.groups]) {
    hash.update(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
  }
  return hash.digest('hex');
}

function encode(checkpoint: TrainingCheckpoint, identity: string): Uint8Array {
  const tensors = PARTS.flatMap((part) =>
    Object.entries(checkpoint[part]).map(
      ([name, data]) => [`${part}/${name}`, { shape: [data.length], data }] as const,
    ),
  );
  const { stepCount, history } = checkpoint;
  return encodeSafetensors({
    metadata: { identity, progress: JSON.stringify({ stepCount, history }) },
    tensors: Object.fromEntries(tensors),
  });
}

/** Null for anything that is not a checkpoint of this training: it then begins anew. */
function decode(bytes: Uint8Array, path: string, identity: string): TrainingCheckpoint | null {
  try {
    const { metadata, tensors } = decodeSafetensors(bytes, path);
    if (metadata['identity'] !== identity) return null;
    const progress = parsedJson(metadata['progress'] ?? '') as {
      readonly stepCount: number;
      readonly history: readonly EpochReport[];
    };
    const part = (name: (typeof PARTS)[number]): Record<string, Float32Array> =>
      Object.fromEntries(
        Object.entries(tensors).flatMap(([key, { data }]) =>
          key.startsWith(`${name}/`) && data instanceof Float32Array
            ? [[key.slice(name.length + 1), data]]
            : [],
        ),
      );
    return {
      ...progress,
      ...{ current: part('current'), best: part('best') },
      ...{ first: part('first'), second: part('second') },
    };
  } catch {
    return null;
  }
}

async function readIfThere(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw fileError(error, path);
  }
}
