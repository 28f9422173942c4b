/** The first file of an evaluation's folder: what its answers come from. */
import { join } from 'node:path';
import { z } from 'zod';
import { PilotfishError } from '../../core/errors.ts';
import { parseJson } from '../../core/parse-json.ts';
import { scoreDigest } from '../../judging/router.ts';
import { readWhole, writeWhole } from '../../storage/whole-file.ts';
import {
  checkManifest,
  type EvaluationPair,
  MANIFEST_VERSION,
  type Manifest,
} from './evaluation-pair.ts';
import type { EvaluationPlan } from './evaluation-plan.ts';

const MODEL = z.object({
  name: z.string(),
  digest: z.string(),
  parameterCounts: z.object({ body: z.number(), outputHead: z.number() }),
  weightBytes: z.number(),
  kvBytesPerToken: z.number(),
  rowCountMax: z.number(),
});

const MANIFEST: z.ZodType<Manifest> = z.object({
  version: z.number(),
  models: z.object({ small: MODEL, large: MODEL }),
  library: z.string(),
  template: z.string(),
  contextLength: z.number(),
  maxTokens: z.number(),
  waveSize: z.number(),
  routers: z.record(z.string(), z.string()).default({}),
});

/**
 * Writes it into a new folder, or compares it with what an earlier run wrote.
 * @throws PilotfishError `evaluation-invalid`, `disk-full`, `file-system-failed`
 */
export async function openManifest(
  folder: string,
  pair: EvaluationPair,
  { maxTokens, waveSize }: Pick<EvaluationPlan, 'maxTokens' | 'waveSize'>,
): Promise<Manifest> {
  const { models, library, template, contextLength } = pair;
  const version = MANIFEST_VERSION;
  const routers = Object.fromEntries(
    [...pair.routers].map(([strategy, router]) => [strategy, scoreDigest(router)]),
  );
  const own = { version, models, library, template, contextLength, maxTokens, waveSize };
  const expected = { ...own, routers };
  const path = join(folder, 'evaluation.json');
  const text = await readWhole(path);
  const found = text === null ? null : parsedManifest(text.toString('utf8'), path);
  if (found !== null) checkManifest(found, expected, folder);
  const joined = { ...expected, routers: { ...found?.routers, ...routers } };
  const isNew = Object.keys(joined.routers).length > Object.keys(found?.routers ?? {}).length;
  if (found === null || isNew) await writeWhole(path, `${JSON.stringify(joined, null, 2)}\n`);
  return joined;
}

function parsedManifest(text: string, path: string): Manifest {
  const parsed = MANIFEST.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new PilotfishError('evaluation-invalid', `${path} does not describe an evaluation.`, {
    remedy: 'Choose another folder with --out.',
    fields: { path },
  });
}
