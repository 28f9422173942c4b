/** The file format of profiles, checked field by field. machine-profile.ts explains the fields. */
import { z } from 'zod';
import { PilotfishError } from '../core/errors.ts';
import { parseJson } from '../core/parse-json.ts';
import type { MachineProfile } from './machine-profile.ts';

const MS = z.number().finite().nonnegative();
const POSITIVE = z.number().finite().positive();
const COUNT = z.number().int().positive();

const POINT = z.object({ rowCount: COUNT, ms: POSITIVE });
const ASCENDING = 'has points that are not in order of rising rowCount';

function isAscending(points: readonly { rowCount: number }[]): boolean {
  return points.every((point, index) => point.rowCount > (points[index - 1]?.rowCount ?? 0));
}

const CURVE = z.array(POINT).refine(isAscending, ASCENDING);

const MODEL = z.object({
  model: z.string().min(1),
  // That of a model on a server may be unknown.
  weightBytes: MS,
  threadCount: COUNT,
  measuredAt: z.iso.datetime(),
  isQuick: z.boolean(),
  spread: MS,
  cachedTokenCount: z.number().int().nonnegative(),
  decode: CURVE.min(1),
  prefill: CURVE,
  attention: z
    .array(z.object({ rowCount: COUNT, msPerCachedToken: MS }))
    .refine(isAscending, ASCENDING),
  overheadMs: MS,
  readingMs: z.object({ logprob: MS, uncertainty: MS, draw: MS }),
});

const THREADS = z.object({
  model: z.string().min(1),
  weightBytes: POSITIVE,
  threadCount: COUNT,
  measured: z.array(z.object({ threadCount: COUNT, ms: POSITIVE })).min(1),
});

const FORMAT = z.literal('pilotfish-profile');
const VERSION = 1;
const VERSIONED = z.object({ format: FORMAT, version: z.number() });

const HEAD = {
  format: FORMAT,
  version: z.literal(VERSION),
  name: z.string().min(1),
  roundTripMs: MS.nullable().default(null),
};

const MEASURED = z.object({
  ...HEAD,
  kind: z.literal('measured'),
  machine: z.object({ processor: z.string(), processorCount: COUNT, library: z.string() }),
  models: z.array(MODEL),
  threads: z.array(THREADS),
});

const PREDICTED = z.object({
  ...HEAD,
  kind: z.literal('predicted'),
  title: z.string(),
  source: z.string(),
  roofline: z.object({
    bytesPerSecond: POSITIVE,
    flopsPerSecond: POSITIVE,
    efficiency: z.number().positive().max(1),
    launchMs: MS,
  }),
});

const PROFILE: z.ZodType<MachineProfile> = z.discriminatedUnion('kind', [MEASURED, PREDICTED]);

/** @param place the path of the file, for the error message @throws PilotfishError `profile-invalid` */
export function parseProfile(text: string, place: string): MachineProfile {
  const value = parseJson(text, () => invalid(place, 'it is not JSON'));
  checkVersion(text, place);
  const parsed = PROFILE.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`;
  throw invalid(place, `${issue?.message ?? 'unknown reason'}${where}`);
}

/** @throws PilotfishError `profile-invalid` for a profile of a version that this program cannot read */
export function checkVersion(text: string, place: string): void {
  const { data } = VERSIONED.safeParse(parseJson(text));
  if (data === undefined || data.version === VERSION) return;
  const message = `The profile ${place} is of version ${data.version}, and this program reads ${VERSION}.`;
  throw new PilotfishError('profile-invalid', message, {
    remedy: 'Use the version of Pilotfish that wrote it, or remove it and measure again.',
    fields: { path: place, version: data.version },
  });
}

function invalid(place: string, why: string): PilotfishError {
  return new PilotfishError('profile-invalid', `${place} is not a valid profile: ${why}.`, {
    remedy: 'Correct the file, or remove it and measure again with "pilotfish bench steps".',
    fields: { path: place },
  });
}
