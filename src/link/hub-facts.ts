/**
 * What a hub tells each device about its large model when they connect: in the header of the HTTP upgrade,
 * as JSON in percent encoding.
 */
import { z } from 'zod';
import { PilotfishError } from '../core/errors.ts';
import type { ParameterCounts } from '../core/events.ts';
import { type TokenId, tokenId } from '../core/token-id.ts';
import { VOCABULARY_SIZE_MAX } from './limits.ts';

export interface HubFacts {
  readonly name: string;
  /** SHA-256 of its file, in hex. */
  readonly digest: string;
  readonly parameterCounts: ParameterCounts;
  readonly weightBytes: number;
  readonly kvBytesPerToken: number;
  /** Tokens of a prompt with its answer. */
  readonly contextLength: number;
  readonly rowCountMax: number;
  readonly vocabularySize: number;
  readonly endOfGenerationIds: readonly TokenId[];
}

const count = (min: number, max: number = Number.MAX_SAFE_INTEGER): z.ZodNumber =>
  z.number().int().min(min).max(max);

const HUB_FACTS: z.ZodType<HubFacts> = z.object({
  name: z.string().max(200),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  parameterCounts: z.object({ body: count(0), outputHead: count(0) }),
  weightBytes: count(0),
  kvBytesPerToken: count(0),
  contextLength: count(1),
  rowCountMax: count(1),
  vocabularySize: count(1, VOCABULARY_SIZE_MAX),
  endOfGenerationIds: z.array(count(0, VOCABULARY_SIZE_MAX).transform(tokenId)).max(1000),
});

export const HUB_FACTS_HEADER = 'pilotfish-model';

export function writeHubFacts(facts: HubFacts): string {
  return encodeURIComponent(JSON.stringify(facts));
}

/** @throws PilotfishError `hub-refused` */
export function readHubFacts(header: string | undefined): HubFacts {
  const parsed = HUB_FACTS.safeParse(header === undefined ? undefined : decoded(header));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const seen = `${issue?.path.join('.') || 'the header'}: ${issue?.message}`;
  throw new PilotfishError(
    'hub-refused',
    `The server does not describe a model as a hub does (${seen}).`,
    { remedy: 'Check the address: it must be that of `pilotfish hub`, of the same version.' },
  );
}

function decoded(header: string): unknown {
  try {
    return JSON.parse(decodeURIComponent(header));
  } catch {
    return null;
  }
}
