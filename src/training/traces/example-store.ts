/**
 * Trajectories with what both models say along them, one line each: what was read once is not read
 * again, for any objective, round or seed. Features stay in the file, because those of all examples
 * may be more than memory has room for: whoever looks at an example's features has them read from
 * there, and those of the last few examples stay.
 */
import { z } from 'zod';
import { PilotfishError } from '../../core/errors.ts';
import { required } from '../../core/invariant.ts';
import { parseJson } from '../../core/parse-json.ts';
import { tokenIds } from '../../core/token-id.ts';
import { appendLines, type LinePlace, lineAt, linesOf } from '../../storage/json-lines.ts';
import { type Trajectory, trajectoryKey } from '../trajectory.ts';
import type { TeacherForcedTrace } from './trace.ts';

/** A trajectory and its reading. */
export interface Example {
  /** `trajectoryKey` of it. */
  readonly key: string;
  readonly trajectory: Trajectory;
  /** In an example of a store features may be read from the disk each time they are looked at. */
  readonly trace: TeacherForcedTrace;
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

interface Place extends LinePlace {
  /** From 1 on. */
  readonly number: number;
}

/** Examples whose features stay in memory; as many are at work together. */
export const RECENT_COUNT = 8;

export class ExampleStore {
  readonly #path: string;
  readonly #places = new Map<string, Place>();
  /** Features of the last examples, the latest last. */
  readonly #recent = new Map<string, Uint16Array>();
  #lineCount = 0;

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws PilotfishError `training-invalid`, naming the line; `file-system-failed` */
  static async open(path: string): Promise<ExampleStore> {
    const store = new ExampleStore(path);
    let offset = 0;
    for await (const text of linesOf(path)) {
      const byteCount = Buffer.byteLength(text) + 1;
      store.#lineCount += 1;
      const place = { offset, byteCount, number: store.#lineCount };
      const { key } = parsedLine(text, path, place);
      store.#places.set(key, place);
      offset += byteCount;
    }
    return store;
  }

  /** How many examples' features are in memory. */
  get recentCount(): number {
    return this.#recent.size;
  }

  /** @throws PilotfishError as `open` */
  get(trajectory: Trajectory): Example | null {
    const key = trajectoryKey(trajectory);
    const place = this.#places.get(key);
    if (place === undefined) return null;
    const line = this.#lineAt(place);
    this.#keep(key, halves(line.features));
    return this.#example(key, trajectory, scoresOf(line));
  }

  /** On disk when it returns. */
  async add(trajectory: Trajectory, reading: TeacherForcedTrace): Promise<Example> {
    const key = trajectoryKey(trajectory);
    const { source, prompt, tokens, value } = trajectory;
    const line: Line = {
      ...{ key, source, prompt: [...prompt], tokens: [...tokens], value },
      small: [...reading.small],
      large: [...reading.large],
      ownBySmall: base64(reading.textLogprobUnderSmall),
      smallByLarge: base64(reading.smallLogprobUnderLarge),
      bestByLarge: base64(reading.bestLogprobUnderLarge),
      features: base64(reading.features),
      featureSize: reading.featureSize,
    };
    const place = await appendLines(this.#path, [line]);
    this.#lineCount += 1;
    this.#places.set(key, { ...place, number: this.#lineCount });
    const { features, ...scores } = reading;
    this.#keep(key, features);
    return this.#example(key, trajectory, scores);
  }

  #example(key: string, trajectory: Trajectory, scores: Scores): Example {
    const features = (): Uint16Array => this.#features(key);
    const reading: TeacherForcedTrace = {
      ...scores,
      get features() {
        return features();
      },
    };
    return { key, trajectory, trace: reading };
  }

  #features(key: string): Uint16Array {
    const place = required(this.#places.get(key), 'an example is in its store');
    const features = this.#recent.get(key) ?? halves(this.#lineAt(place).features);
    this.#keep(key, features);
    return features;
  }

  #keep(key: string, features: Uint16Array): void {
    this.#recent.delete(key);
    this.#recent.set(key, features);
    for (const oldest of this.#recent.keys()) {
      if (this.#recent.size <= RECENT_COUNT) return;
      this.#recent.delete(oldest);
    }
  }

  #lineAt(place: Place): Line {
    return parsedLine(lineAt(this.#path, place), this.#path, place);
  }
}

/** What is small of a reading. */
type Scores = Omit<TeacherForcedTrace, 'features'>;

function scoresOf(line: Line): Scores {
  return {
    small: tokenIds(line.small),
    large: tokenIds(line.large),
    textLogprobUnderSmall: floats(line.ownBySmall),
    smallLogprobUnderLarge: floats(line.smallByLarge),
    bestLogprobUnderLarge: floats(line.bestByLarge),
    featureSize: line.featureSize,
  };
}

function parsedLine(text: string, path: string, { number }: Place): Line {
  const parsed = LINE.safeParse(parseJson(text));
  if (!parsed.success || !isWhole(parsed.data)) throw invalid(path, number);
  return parsed.data;
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

function halves(text: string): Uint16Array {
  return new Uint16Array(bytes(text));
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
