/**
 * Measured cost curves, kept between runs: measuring takes seconds, and costs stay the same as long
 * as the model, the processor, the library and the number of threads do.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { CostCurve } from './step-costs.ts';

/** What a curve depends on. Any change makes it be measured anew. */
export interface CurveKey {
  readonly model: string;
  readonly byteCount: number;
  readonly threadCount: number;
  readonly processor: string;
  readonly library: string;
}

const CURVE = z.object({
  key: z.record(z.string(), z.union([z.string(), z.number()])),
  points: z
    .array(z.object({ rowCount: z.number().int().positive(), ms: z.number().positive() }))
    .min(1),
});

export class StepCostStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Null if there is none, or none that can be read: it is a cache. */
  async load(key: CurveKey): Promise<CostCurve | null> {
    const text = await readFile(this.#path(key), 'utf8').catch(() => null);
    if (text === null) return null;
    try {
      return { points: CURVE.parse(JSON.parse(text)).points };
    } catch {
      return null;
    }
  }

  /** Written whole or not at all. A folder that cannot be written only means measuring again. */
  async save(key: CurveKey, curve: CostCurve): Promise<void> {
    const path = this.#path(key);
    const partial = `${path}.${process.pid}.partial`;
    try {
      await mkdir(this.#folder, { recursive: true });
      await writeFile(partial, `${JSON.stringify({ key, points: curve.points })}\n`);
      await rename(partial, path);
    } catch {
      // Nothing is lost but a few seconds of the next run.
    }
  }

  #path(key: CurveKey): string {
    const name = createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 24);
    return join(this.#folder, `${name}.json`);
  }
}
