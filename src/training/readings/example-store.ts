/**
 * Trajectories with what both models say along them, one line each: what was read once is not read
 * again, for any objective, round or seed.
 */
import { z } from 'zod';
import { PilotfishError } from '../../core/errors.ts';
import { tokenIds } from '../../core/token-id.ts';
import { appendLines, linesOf, parsedJson } from '../../evaluation/growing-file.ts';
import { type Trajectory, trajectoryKey } from '../trajectory.ts';
import type { Reading } from './reading.ts';

/** A trajectory and its reading. */
export interface Example {
  /** `trajectoryKey` of it. */
  readonly key: string;
  readonly trajectory: Trajectory;
  readonly reading: Reading;
}

const IDS = z.array(z.number().int().nonnegative());

const LINE = z.object({
  key: z.string(),
  source: z.enum(['large', 'sampled', 'mixed', 'reference']),
  prompt: IDS,
  tokens: IDS,
  value: z.number(),
  small: IDS,
  large: IDS,
  ownBySmall: z.base64(),
  smallByLarge: z.base64(),
  bestByLarge: z.base64(),
  features: z.base64(),
  featureSize: z.number().int().positive(),
});

type Line = z.infer<typeof LINE>;

export class ExampleStore {
  readonly #path: string;
  /** As numbers: as text they would take as much again, on the heap. */
  readonly #readings = new Map<string, Reading>();

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws PilotfishError `training-invalid`, naming the line; `file-system-failed` */
  static async open(path: string): Promise<ExampleStore> {
    const store = new ExampleStore(path);
    let lineCount = 0;
    for await (const text of linesOf(path)) {
      lineCount += 1;
      const parsed = LINE.safeParse(parsedJson(text));
      if (!parsed.success || !isWhole(parsed.data)) throw invalid(path, lineCount);
      store.#readings.set(parsed.data.key, readingOf(parsed.data));
    }
    return store;
  }

  get(trajectory: Trajectory): Example | null {
    const key = trajectoryKey(trajectory);
    const reading = this.#readings.get(key);
    return reading === undefined ? null : { key, trajectory, reading };
  }

  /** On disk when it returns. */
  async add(trajectory: Trajectory, reading: Reading): Promise<Example> {
    const key = trajectoryKey(trajectory);
    const { source, prompt, tokens, value } = trajectory;
    const line: Line = {
      ...{ key, source, prompt: [...prompt], tokens: [...tokens], value },
      small: [...reading.small],
      large: [...reading.large],
      ownBySmall: base64(reading.ownBySmall),
      smallByLarge: base64(reading.smallByLarge),
      bestByLarge: base64(reading.bestByLarge),
      features: base64(reading.features),
      featureSize: reading.featureSize,
    };
    await appendLines(this.#path, [line]);
    this.#readings.set(key, reading);
    return { key, trajectory, reading };
  }
}

function readingOf(line: Line): Reading {
  return {
    small: tokenIds(line.small),
    large: tokenIds(line.large),
    ownBySmall: floats(line.ownBySmall),
    smallByLarge: floats(line.smallByLarge),
    bestByLarge: floats(line.bestByLarge),
    features: new Uint16Array(bytes(line.features)),
    featureSize: line.featureSize,
  };
}

function isWhole({ tokens, small, large, featureSize, ...line }: Line): boolean {
  const { length } = tokens;
  const floatBytes = 4 * length;
  const sizes = [line.ownBySmall, line.smallByLarge, line.bestByLarge].map(byteCount);
  return (
    small.length === length &&
    large.length === length &&
    sizes.every((size) => size === floatBytes) &&
    byteCount(line.features) === 2 * length * featureSize
  );
}

function base64(numbers: Float32Array | Uint16Array): string {
  return Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength).toString('base64');
}

/** A copy of its own, aligned as any number wants. */
function bytes(text: string): ArrayBuffer {
  return new Uint8Array(Buffer.from(text, 'base64')).buffer;
}

function floats(text: string): Float32Array {
  return new Float32Array(bytes(text));
}

function byteCount(text: string): number {
  return Buffer.byteLength(text, 'base64');
}

function invalid(path: string, line: number): PilotfishError {
  return new PilotfishError('training-invalid', `Line ${line} of ${path} is no reading.`, {
    remedy: 'Delete the line: its answer is read again.',
    fields: { path, line },
  });
}
