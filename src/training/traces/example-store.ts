/**
 * Stores trajectories with their traces, one line each, so that none is traced twice, for any objective,
 * round or seed. Features remain in the file, because those of all examples may exceed the memory. The
 * features of the last few examples are in memory.
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
  /** In an example of a store, each access to `features` may read the disk. */
  readonly trace: TeacherForcedTrace;
}

/** The stored part of an example. The key identifies its question. */
interface KeptExample extends Pick<Example, 'key' | 'trace'> {
  readonly trajectory: Omit<Trajectory, 'question'>;
}

const IDS = z.array(z.number().int().nonnegative());

/** Numbers as base64 of their bytes, little-endian. */
const NUMBERS = z.string().transform((text, context) => {
  const bytes = new ArrayBuffer(Buffer.byteLength(text, 'base64'));
  // The decoder skips characters that are not base64.
  const isWhole = Buffer.from(bytes).write(text, 'base64') === bytes.byteLength;
  if (!isWhole) context.addIssue('is not base64');
  return bytes;
});

/** The names are those of the first version. */
const LINE = z.object({
  key: z.string(),
  source: z.enum(['large', 'sampled', 'mixed', 'reference']),
  prompt: IDS,
  tokens: IDS,
  value: z.number(),
  small: IDS,
  large: IDS,
  ownBySmall: NUMBERS,
  smallByLarge: NUMBERS,
  bestByLarge: NUMBERS,
  features: NUMBERS,
  featureSize: z.number().int().positive(),
});

type Line = z.output<typeof LINE>;

/** Examples whose features remain in memory; this many are at work together. */
export const RECENT_COUNT = 8;

export class ExampleStore {
  readonly #records: RecordStore<KeptExample, Pick<Example, 'key'>>;

  private constructor(records: RecordStore<KeptExample, Pick<Example, 'key'>>) {
    this.#records = records;
  }

  /** @throws PilotfishError `training-invalid`, naming the line; `file-system-failed` */
  static async open(path: string): Promise<ExampleStore> {
    const records = await RecordStore.open<KeptExample, Pick<Example, 'key'>>(path, {
      noun: 'trace',
      read: recordReader(LINE.refine(isWhole, 'its arrays differ in length').transform(decoded)),
      lineOf: encoded,
      keyOf: ({ key }) => key,
      code: 'training-invalid',
      remedy: 'Delete the line: its answer is read again.',
      memory: { recentCount: RECENT_COUNT },
    });
    return new ExampleStore(records);
  }

  /** The number of examples whose features are in memory. */
  get recentCount(): number {
    return this.#records.recentCount;
  }

  /** @throws PilotfishError as `open` */
  get(trajectory: Trajectory): Example | null {
    const kept = this.#records.get({ key: trajectoryKey(trajectory) });
    return kept === null ? null : this.#example(trajectory, kept);
  }

  /** Returns once the example is on disk. */
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

function encoded({ key, trajectory, trace }: KeptExample): z.input<typeof LINE> {
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
      textLogprobUnderSmall: new Float32Array(line.ownBySmall),
      smallLogprobUnderLarge: new Float32Array(line.smallByLarge),
      bestLogprobUnderLarge: new Float32Array(line.bestByLarge),
      features: new Uint16Array(line.features),
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
    floats.every(({ byteLength }) => byteLength === 4 * length) &&
    line.features.byteLength === 2 * length * featureSize
  );
}

function base64(numbers: Float32Array | Uint16Array): string {
  return Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength).toString('base64');
}
