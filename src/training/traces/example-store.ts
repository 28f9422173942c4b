/**
 * Trajectories with what both models say along them, one line each: what was read once is not read
 * again, for any objective, round or seed. Features stay in the file, because those of all examples
 * may need more room than memory has; the features of the last few examples are in memory.
 */
import { z } from 'zod';
import { required } from '../../core/invariant.ts';
import { tokenIds } from '../../core/token-id.ts';
import { RecordStore, recordReader } from '../../storage/record-store.ts';
import { type Trajectory, trajectoryKey } from '../trajectory.ts';
import type { TeacherForcedTrace } from './trace.ts';

/** A trajectory and its trace. */
export interface Example {
  /** The trajectory's `trajectoryKey`. */
  readonly key: string;
  readonly trajectory: Trajectory;
  /** In an example of a store, `features` may be read from the disk whenever it is looked at. */
  readonly trace: TeacherForcedTrace;
}

/** What is kept of an example: its question is known by the key. */
interface KeptExample extends Pick<Example, 'key' | 'trace'> {
  readonly trajectory: Omit<Trajectory, 'question'>;
}

const IDS = z.array(z.number().int().nonnegative());

/** Numbers are base64 of their bytes, little-endian. The names are those of the first version. */
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

/** Examples whose features stay in memory; as many are at work together. */
export const RECENT_COUNT = 8;

export class ExampleStore {
  readonly #records: RecordStore<KeptExample, Pick<Example, 'key'>>;

  private constructor(records: RecordStore<KeptExample, Pick<Example, 'key'>>) {
    this.#records = records;
  }

  /** @throws PilotfishError `training-invalid`, naming the line; `file-system-failed` */
  static async open(path: string): Promise<ExampleStore> {
    const records = await RecordStore.open<KeptExample, Pick<Example, 'key'>>(path, {
      noun: 'reading',
      read: recordReader(
        LINE.refine(isWhole, 'its numbers are not equally many').transform(decoded),
      ),
      lineOf: encoded,
      keyOf: ({ key }) => key,
      code: 'training-invalid',
      remedy: 'Delete the line: its answer is read again.',
      memory: { recentCount: RECENT_COUNT },
    });
    return new ExampleStore(records);
  }

  /** How many examples' features are in memory. */
  get recentCount(): number {
    return this.#records.recordCount;
  }

  /** @throws PilotfishError as `open` */
  get(trajectory: Trajectory): Example | null {
    const kept = this.#records.get({ key: trajectoryKey(trajectory) });
    return kept === null ? null : this.#example(trajectory, kept);
  }

  /** On disk when it returns. */
  async add(trajectory: Trajectory, trace: TeacherForcedTrace): Promise<Example> {
    const kept = { key: trajectoryKey(trajectory), trajectory, trace };
    await this.#records.add(kept);
    return this.#example(trajectory, kept);
  }

  #example(trajectory: Trajectory, { key, trace }: KeptExample): Example {
    const { features: _, ...scores } = trace;
    const kept = (): KeptExample => required(this.#records.get({ key }), 'an example is kept');
    return {
      key,
      trajectory,
      trace: {
        ...scores,
        get features() {
          return kept().trace.features;
        },
      },
    };
  }
}

function encoded({ key, trajectory, trace }: KeptExample): Line {
  const { source, prompt, tokens, value } = trajectory;
  return {
    ...{ key, source, prompt: [...prompt], tokens: [...tokens], value },
    small: [...trace.small],
    large: [...trace.large],
    ownBySmall: base64(trace.textLogprobUnderSmall),
    smallByLarge: base64(trace.smallLogprobUnderLarge),
    bestByLarge: base64(trace.bestLogprobUnderLarge),
    features: base64(trace.features),
    featureSize: trace.featureSize,
  };
}

function decoded({ key, source, prompt, tokens, value, ...line }: Line): KeptExample {
  return {
    key,
    trajectory: { source, prompt: tokenIds(prompt), tokens: tokenIds(tokens), value },
    trace: {
      small: tokenIds(line.small),
      large: tokenIds(line.large),
      textLogprobUnderSmall: new Float32Array(bytes(line.ownBySmall)),
      smallLogprobUnderLarge: new Float32Array(bytes(line.smallByLarge)),
      bestLogprobUnderLarge: new Float32Array(bytes(line.bestByLarge)),
      features: new Uint16Array(bytes(line.features)),
      featureSize: line.featureSize,
    },
  };
}

function isWhole({ tokens, small, large, featureSize, ...line }: Line): boolean {
  const { length } = tokens;
  const floats = [line.ownBySmall, line.smallByLarge, line.bestByLarge];
  return (
    small.length === length &&
    large.length === length &&
    floats.every((text) => byteCount(text) === 4 * length) &&
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

function byteCount(text: string): number {
  return Buffer.byteLength(text, 'base64');
}
