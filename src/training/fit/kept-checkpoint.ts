/**
 * The state of a network's training on disk. It is written from time to time and when the training is
 * interrupted, so that the next run continues from there. The state of another training (other rows,
 * other settings) is ignored.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { PilotfishError } from '../../core/errors.ts';
import { parseJson } from '../../core/parse-json.ts';
import type { OnNotice } from '../../core/progress.ts';
import type { TrainingCheckpoint } from '../../network/checkpoint.ts';
import {
  decodeTensors,
  encodeTensors,
  type Tensor,
  type TensorFile,
} from '../../network/safetensors.ts';
import { inTurns, type Steps } from '../../network/steps.ts';
import { readWhole, writeWhole } from '../../storage/whole-file.ts';

/** A training: two with the same settings and the same numbers are the same. */
export interface TrainingIdentity {
  /** Written as JSON. */
  readonly settings: unknown;
  readonly arrays: readonly ArrayBufferView[];
}

/** Files from before versions were introduced have none. They are still read. */
const VERSION = '1';
const PARTS = ['current', 'first', 'second', 'best'] as const;
/** The least time between two writes. An epoch of a small network takes less time than a write. */
const WRITE_INTERVAL_MS = 5000;

export interface OpenCheckpointOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onNotice?: OnNotice | undefined;
}

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

  /**
   * @param options `onNotice` is told of a damaged file: the training begins anew and replaces it
   * @throws PilotfishError `training-invalid` for a file of another version, `file-system-failed`,
   *   `aborted`
   */
  static async open(
    path: string,
    training: TrainingIdentity,
    { signal, onNotice }: OpenCheckpointOptions = {},
  ): Promise<KeptCheckpoint> {
    const identity = await inTurns(identityOf(training), signal);
    const bytes = await readWhole(path);
    const file = bytes === null ? null : decode(bytes);
    const { version = VERSION, ...metadata } = file?.metadata ?? {};
    if (version !== VERSION) throw otherVersion(path, version);
    const isOther = file !== null && metadata['identity'] !== identity;
    const checkpoint = file === null || isOther ? null : checkpointOf(file);
    if (bytes !== null && checkpoint === null && !isOther) {
      onNotice?.(`${path} is damaged: the training of its network begins anew.`);
    }
    return new KeptCheckpoint(path, identity, checkpoint);
  }

  /** The state of an earlier run; null if there is none or it belongs to another training. */
  get checkpoint(): TrainingCheckpoint | null {
    return this.#checkpoint;
  }

  keep(checkpoint: TrainingCheckpoint): void {
    this.#checkpoint = checkpoint;
    if (performance.now() - this.#writtenMs < WRITE_INTERVAL_MS) return;
    this.#writtenMs = performance.now();
    // A failure surfaces at the last write.
    this.#writing = this.#writing.then(() => this.#write()).catch(() => undefined);
  }

  /** Returns once the state is on disk. @throws PilotfishError `disk-full`, `file-system-failed` */
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

/** Bytes of one call of the hash: hashing them takes milliseconds, and a call takes less than 2 GiB. */
const HASHED_BYTES = 2 ** 20;

/** A digest of all rows, which may be many gigabytes, and of the settings. Exported for its test. */
export function* identityOf({ settings, arrays }: TrainingIdentity): Steps<string> {
  const hash = createHash('sha256').update(JSON.stringify(settings));
  for (const { buffer, byteOffset, byteLength } of arrays) {
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
    metadata: { version: VERSION, identity, progress: JSON.stringify({ stepCount, history }) },
    tensors,
  });
  return Buffer.concat([body, digestOf(body)]);
}

/**
 * The length of the digest behind the tensors. It is needed because damaged weights still look like
 * weights.
 */
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

/** Returns null for a damaged file. */
function decode(bytes: Uint8Array): TensorFile | null {
  const body = bytes.subarray(0, -DIGEST_BYTES);
  if (!digestOf(body).equals(bytes.subarray(-DIGEST_BYTES))) return null;
  try {
    return decodeTensors(body);
  } catch (error) {
    if (PilotfishError.isInstance(error)) return null;
    throw error;
  }
}

function checkpointOf({ metadata, tensors }: TensorFile): TrainingCheckpoint | null {
  const progress = PROGRESS.safeParse(parseJson(metadata['progress'] ?? ''));
  if (!progress.success) return null;
  const part = (name: (typeof PARTS)[number]): Record<string, Float32Array> =>
    Object.fromEntries(
      [...tensors].flatMap(([key, { dtype, values }]) =>
        key.startsWith(`${name}/`) && dtype === 'F32' ? [[key.slice(name.length + 1), values]] : [],
      ),
    );
  return {
    ...progress.data,
    ...{ current: part('current'), best: part('best') },
    ...{ first: part('first'), second: part('second') },
  };
}

function otherVersion(path: string, version: string): PilotfishError {
  const message = `The checkpoint ${path} is of version ${version}, and this program reads ${VERSION}.`;
  return new PilotfishError('training-invalid', message, {
    remedy:
      'Go on with the version of Pilotfish that wrote it, or delete it: the training of its ' +
      'network then begins anew.',
    fields: { path, version },
  });
}
