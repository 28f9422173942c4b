/**
 * The state of a network's training on disk: written now and then, and when it is interrupted, so that
 * the next run goes on from there. Of another training (other rows, other settings) it is nothing.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { PilotfishError } from '../../core/errors.ts';
import { parseJson } from '../../core/parse-json.ts';
import type { TrainingCheckpoint } from '../../network/checkpoint.ts';
import { decodeTensors, encodeTensors, type Tensor } from '../../network/safetensors.ts';
import { inTurns, type Steps } from '../../network/steps.ts';
import { readWhole, writeWhole } from '../../storage/whole-file.ts';
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

  /** @throws PilotfishError `file-system-failed`, `aborted` */
  static async open(
    path: string,
    training: TrainingIdentity,
    signal?: AbortSignal,
  ): Promise<KeptCheckpoint> {
    const identity = await inTurns(identityOf(training), signal);
    const bytes = await readWhole(path);
    return new KeptCheckpoint(path, identity, bytes === null ? null : decode(bytes, identity));
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

  async #write(): Promise<void> {
    if (this.#checkpoint === null) return;
    const bytes = encode(this.#checkpoint, this.#identity);
    await writeWhole(this.#path, bytes);
  }
}

/** A few milliseconds' work. All at once is no choice either: a hash takes less than 2 GiB in a call. */
const HASHED_BYTES = 2 ** 20;

/** Of all rows, which may be many gigabytes. Exported for its test. */
export function* identityOf({ objective, fit, rows }: TrainingIdentity): Steps<string> {
  const hash = createHash('sha256').update(JSON.stringify([objective, fit]));
  const { targets, weights, logSmall, logLarge, dataset } = rows;
  for (const { buffer, byteOffset, byteLength } of [
    ...[targets, weights, logSmall, logLarge],
    ...[dataset.features, dataset.groups],
  ]) {
    for (let from = 0; from < byteLength; from += HASHED_BYTES) {
      const length = Math.min(HASHED_BYTES, byteLength - from);
      hash.update(new Uint8Array(buffer, byteOffset + from, length));
      yield;
    }
  }
  return hash.digest('hex');
}

function encode(checkpoint: TrainingCheckpoint, identity: string): Uint8Array {
  const tensors = new Map<string, Tensor>();
  for (const part of PARTS) {
    for (const [name, values] of Object.entries(checkpoint[part])) {
      tensors.set(`${part}/${name}`, { dtype: 'F32', shape: [values.length], values });
    }
  }
  const { stepCount, history } = checkpoint;
  const body = encodeTensors({
    metadata: { identity, progress: JSON.stringify({ stepCount, history }) },
    tensors,
  });
  return Buffer.concat([body, digestOf(body)]);
}

/** Behind the tensors: weights that are damaged still look like weights. */
const DIGEST_BYTES = 32;

function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

const PROGRESS = z.object({
  stepCount: z.number(),
  history: z.array(
    z.object({ epoch: z.number(), trainingLoss: z.number(), validationLoss: z.number() }),
  ),
});

/** Null for anything that is not a checkpoint of this training: it then begins anew. */
function decode(bytes: Uint8Array, identity: string): TrainingCheckpoint | null {
  const body = bytes.subarray(0, -DIGEST_BYTES);
  if (!digestOf(body).equals(bytes.subarray(-DIGEST_BYTES))) return null;
  try {
    const { metadata, tensors } = decodeTensors(body);
    const progress = PROGRESS.safeParse(parseJson(metadata['progress'] ?? ''));
    if (metadata['identity'] !== identity || !progress.success) return null;
    const part = (name: (typeof PARTS)[number]): Record<string, Float32Array> =>
      Object.fromEntries(
        [...tensors].flatMap(([key, { dtype, values }]) =>
          key.startsWith(`${name}/`) && dtype === 'F32'
            ? [[key.slice(name.length + 1), values]]
            : [],
        ),
      );
    return {
      ...progress.data,
      ...{ current: part('current'), best: part('best') },
      ...{ first: part('first'), second: part('second') },
    };
  } catch (error) {
    if (PilotfishError.isInstance(error)) return null;
    throw error;
  }
}
