/** What a server and its model can do, found by asking it: nothing is presumed of a version. */
import { GREEDY, type SamplingParams } from '../core/sampling-params.ts';
import { type TokenId, tokenIds } from '../core/token-id.ts';
import type { Dialect, ListedModel, ServedRows, ServerFacts } from './dialect.ts';
import type { CallOptions, ServerClient } from './server-client.ts';
import { ServerFailure } from './server-failure.ts';

/** What it says of itself. */
export interface ServerIdentity {
  /** The model's name on the server. */
  readonly servedName: string;
  /** Null: the server does not say. */
  readonly contextLength: number | null;
  readonly version: string | null;
}

/** What it was seen to do. */
export interface ServerAbilities {
  /** The most log-probabilities of a token; 0: only that of the token itself; null: not even that. */
  readonly topCountMax: number | null;
  /** Whether they are those of the model, before the sampling steps. */
  readonly isBeforeSampling: boolean;
  /** Whether one call takes several texts. */
  readonly takesBatches: boolean;
}

interface Asked {
  readonly client: ServerClient;
  readonly dialect: Dialect;
}

/**
 * @param wanted the model's name; null: the only one
 * @throws ServerFailure, PilotfishError `aborted`
 */
export async function identifyServer(
  { client, dialect }: Asked,
  wanted: string | null,
  options: CallOptions,
): Promise<ServerIdentity> {
  const answer = await client.send(dialect.listCall, options);
  const models = client.read('its models', () => dialect.readList(answer));
  const { name: servedName, contextLength } = chosen(client.host, models, wanted);
  const facts = await factsOf({ client, dialect, options });
  return {
    ...{ servedName, version: facts.version },
    contextLength: contextLength ?? facts.contextLength,
  };
}

/** @throws ServerFailure, PilotfishError `aborted` */
export async function probeServer(
  asked: Asked,
  servedName: string,
  options: CallOptions,
): Promise<ServerAbilities> {
  const probe: Probe = { ...asked, servedName, options };
  // The least that every strategy needs; its failure says what is wrong.
  await rowsOf(probe, [TEXT], {});
  const topCountMax = await topCountOf(probe);
  return {
    topCountMax,
    isBeforeSampling: (topCountMax ?? 0) > 0 && (await isBeforeSampling(probe)),
    takesBatches: (await tried(probe, [TEXT, TEXT.slice(1)], {})) !== null,
  };
}

interface Probe extends Asked {
  readonly servedName: string;
  readonly options: CallOptions;
}

/** Ids that every vocabulary has; their meaning does not matter. */
const TEXT: readonly TokenId[] = tokenIds([40, 41, 42]);
/** Numbers of log-probabilities that servers have as their limits, from the largest that is of use. */
const TOP_COUNTS: readonly number[] = [64, 20, 5, 1, 0];

/** @throws ServerFailure if the server does not have the model */
function chosen(host: string, models: readonly ListedModel[], wanted: string | null): ListedModel {
  const [first] = models;
  const found = wanted === null ? first : models.find(({ name }) => name === wanted);
  if (found !== undefined && (wanted !== null || models.length === 1)) return found;
  const names = models.map(({ name }) => name).join(', ');
  const has = names === '' ? 'no model' : names;
  const message =
    wanted === null
      ? `The address names no model, and the server at ${host} has ${has}.`
      : `The server at ${host} has no model "${wanted}". It has ${has}.`;
  throw new ServerFailure(host, message, {
    code: 'server-refused',
    remedy: "Write the model's name behind the address, as in vllm:http://HOST:PORT/MODEL.",
  });
}

async function factsOf({
  client,
  dialect,
  options,
}: Omit<Probe, 'servedName'>): Promise<ServerFacts> {
  try {
    const answer = await client.send(dialect.factsCall, options);
    return client.read('its version', () => dialect.readFacts(answer));
  } catch (error) {
    if (error instanceof ServerFailure && isRefusal(error)) return NO_FACTS;
    throw error;
  }
}

const NO_FACTS: ServerFacts = { version: null, contextLength: null };

async function topCountOf(probe: Probe): Promise<number | null> {
  for (const topCount of TOP_COUNTS) {
    const rows = await tried(probe, [TEXT], { topCount });
    const token = rows?.tokens[0] ?? null;
    if (token !== null && token.logprob !== null && token.top.size >= topCount) return topCount;
  }
  return null;
}

/** After the sampling steps a flatter distribution would give the likeliest token less, or all. */
async function isBeforeSampling(probe: Probe): Promise<boolean> {
  const flat = { ...GREEDY, temperature: 2, topK: 1 };
  const [own, drawn] = [
    await tried(probe, [TEXT], { topCount: 1 }),
    await tried(probe, [TEXT], { topCount: 1, sampling: flat }),
  ].map((rows) => Math.max(...(rows?.tokens[0]?.top.values() ?? [])));
  return own !== undefined && drawn !== undefined && Math.abs(own - drawn) < SAME_LOGPROB;
}

/** The same text in another call may be rounded otherwise. */
const SAME_LOGPROB = 0.1;

interface ProbeAsking {
  readonly topCount?: number | null;
  readonly sampling?: SamplingParams;
}

async function rowsOf(
  { client, dialect, servedName, options }: Probe,
  texts: readonly (readonly TokenId[])[],
  { topCount = null, sampling = GREEDY }: ProbeAsking,
): Promise<ServedRows> {
  const call = dialect.rowsCall(texts, { model: servedName, sampling, seed: null, topCount });
  const answer = await client.send(call, options);
  return client.read('rows', () => dialect.readRows(answer, texts.length));
}

/** Null: the server refuses it, or answers in another form. */
async function tried(
  probe: Probe,
  texts: readonly (readonly TokenId[])[],
  asking: ProbeAsking,
): Promise<ServedRows | null> {
  try {
    return await rowsOf(probe, texts, asking);
  } catch (error) {
    if (error instanceof ServerFailure && isRefusal(error)) return null;
    throw error;
  }
}

/** Whether the server understood, and does not do it; all else would say nothing about it. */
function isRefusal({ code, status, isRetryable }: ServerFailure): boolean {
  if (code === 'server-invalid') return true;
  return status !== null && !isRetryable && ![401, 403, 407].includes(status);
}
