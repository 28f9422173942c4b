/** A large model on a server of another engine. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { findModel } from '../../catalog/ensure-model.ts';
import { PilotfishError } from '../../core/errors.ts';
import { required } from '../../core/invariant.ts';
import type { BoundModel } from '../../judging/head.ts';
import { readModelFile } from '../../model/llama-cpp/model-file.ts';
import { chatDialect, LENGTH_NAMES } from '../../remote/chat-dialect.ts';
import { hasTokens } from '../../remote/compare-tokens.ts';
import { TOKEN_DIALECTS, type TokenServerKind } from '../../remote/dialects.ts';
import { type ProbedChat, probeChat } from '../../remote/probe-chat.ts';
import {
  identifyServer,
  probeServer,
  type ServerAbilities,
  type ServerIdentity,
} from '../../remote/probe-server.ts';
import { servedCapabilities } from '../../remote/served-capabilities.ts';
import { ServedModel } from '../../remote/served-model.ts';
import {
  isOnThisMachine,
  parseServerAddress,
  type ServerAddress,
} from '../../remote/server-address.ts';
import { ServerClient } from '../../remote/server-client.ts';
import { ServerFailure } from '../../remote/server-failure.ts';
import { TextModel, type TextModelOptions, textCapabilities } from '../../remote/text-model.ts';
import type { RemoteFacts } from '../../session/remote-model.ts';
import { boundModel } from '../heads/built-heads.ts';
import { readPem } from '../hub/read-pem.ts';
import { shortName } from '../machine/local-profile.ts';
import type { PairOptions } from '../pair-options.ts';
import { keptProbe } from './kept-probes.ts';
import type { ElsewhereWords, ReachedModel } from './reached-model.ts';

export interface ServerOptions {
  /**
   * The variable with the key; default: the engine's own, such as OPENAI_API_KEY. A key goes to no other
   * host, and over plain http only to this machine.
   */
  readonly keyEnv?: string | undefined;
  /** Lets the key go to another machine without encryption. */
  readonly allowsPlainKey?: boolean | undefined;
  /** A file with the certificate to trust, in PEM; default: those that this system trusts. */
  readonly caFile?: string | undefined;
  /**
   * The model that the server has, as a name or file on this machine: costs are then computed from its
   * sizes, and trained heads of its pair are used.
   */
  readonly as?: string | undefined;
  /** Whether it is asked again for what it was seen to do before. Default false. */
  readonly probesAnew?: boolean | undefined;
}

/** A server that was reached, and what it said of itself. */
export interface ReachedServer extends ReachedModel {
  readonly server: Pick<ServerAddress, 'kind' | 'host'> & ServerIdentity;
}

const KEY_VARIABLES: Readonly<Record<ServerAddress['kind'], string>> = {
  openai: 'OPENAI_API_KEY',
  vllm: 'VLLM_API_KEY',
  sglang: 'SGLANG_API_KEY',
  'llama-server': 'LLAMA_API_KEY',
};

type Surroundings = Omit<PairOptions, 'small' | 'large'>;

/**
 * Connects, and asks the server what it can do.
 * @throws PilotfishError `option-invalid`, `server-unreachable`, `server-refused`, `server-invalid`,
 *   `aborted`
 */
export async function reachServer(
  text: string,
  options: ServerOptions = {},
  surroundings: Surroundings = {},
): Promise<ReachedServer> {
  const address = parseServerAddress(text);
  const { env = process.env } = surroundings;
  const { caFile } = options;
  const ca = caFile === undefined ? undefined : await readPem(caFile, '--large-ca');
  const client = new ServerClient({
    ...{ base: address.base, key: keyOf(address, options, env), ca, env },
  });
  try {
    const server = { address, client, options, surroundings };
    return await (address.kind === 'openai' ? reachTexts(server) : reachTokens(server));
  } catch (error) {
    await client[Symbol.asyncDispose]();
    throw error;
  }
}

interface Server {
  readonly address: ServerAddress;
  readonly client: ServerClient;
  readonly options: ServerOptions;
  readonly surroundings: Surroundings;
}

/** A server that takes token ids, if its model has the tokens of the small one; else it takes texts. */
async function reachTokens(server: Server): Promise<ReachedServer> {
  const { address, client, surroundings } = server;
  const signal = signalOf(surroundings);
  const dialect = TOKEN_DIALECTS[address.kind as TokenServerKind];
  const identity = await identifyServer({ client, dialect }, address.model, { signal });
  const { servedName } = identity;
  const abilities = await keptProbe(
    {
      ...{ key: keyOfProbe('rows', server, identity), schema: ABILITIES },
      probe: () => probeServer({ client, dialect }, servedName, { signal }),
      isAnew: server.options.probesAnew ?? false,
    },
    surroundings,
  );
  const capabilities = servedCapabilities(abilities);
  const { bound, facts } = await knownModel(identity, server);
  return {
    ...{ words: wordsOf(client), capabilities, bound },
    server: { ...identity, kind: address.kind, host: address.host },
    facts: { ...facts, digest: digestOf(address, identity) },
    open: async (vocabulary) => {
      const isSame = await hasTokens({ client, dialect, servedName }, vocabulary, { signal }).catch(
        withoutTokenizer,
      );
      if (isSame) {
        return new ServedModel({ client, dialect, servedName, facts, capabilities, vocabulary });
      }
      const chat = await probedChat(server, identity);
      return new TextModel({ ...chat, servedName, facts, vocabulary });
    },
    close: () => client[Symbol.asyncDispose](),
  };
}

/** A server that takes conversations. */
async function reachTexts(server: Server): Promise<ReachedServer> {
  const { address, client } = server;
  const servedName = required(address.model, 'the address names a model');
  const identity = { servedName, contextLength: null, version: null };
  const chat = await probedChat(server, identity);
  const { bound, facts } = await knownModel(identity, server);
  return {
    ...{ words: wordsOf(client), capabilities: textCapabilities(chat.dialect), bound },
    server: { ...identity, kind: address.kind, host: address.host },
    facts: { ...facts, digest: digestOf(address, identity) },
    open: async (vocabulary) => new TextModel({ ...chat, servedName, facts, vocabulary }),
    close: () => client[Symbol.asyncDispose](),
  };
}

async function probedChat(
  server: Server,
  identity: ServerIdentity,
): Promise<ProbedChat & Pick<TextModelOptions, 'client' | 'dialect'>> {
  const { address, client, surroundings } = server;
  const dialect = chatDialect(address.kind);
  const options = { signal: signalOf(surroundings) };
  const probed = await keptProbe(
    {
      ...{ key: keyOfProbe('chat', server, identity), schema: CHAT },
      probe: () => probeChat({ client, dialect }, identity.servedName, options),
      isAnew: server.options.probesAnew ?? false,
    },
    surroundings,
  );
  return { client, dialect, ...probed };
}

const ABILITIES: z.ZodType<ServerAbilities> = z.object({
  topCountMax: z.int().nullable(),
  isBeforeSampling: z.boolean(),
  takesBatches: z.boolean(),
});

const CHAT: z.ZodType<ProbedChat> = z.object({
  lengthName: z.enum(LENGTH_NAMES),
  takesTemperature: z.boolean(),
});

function keyOfProbe(
  questions: 'rows' | 'chat',
  { address }: Server,
  { servedName, version }: ServerIdentity,
): readonly (string | null)[] {
  return [PROBES_VERSION, questions, address.kind, address.base, servedName, version];
}

/** Of the questions: answers to others are not looked at. */
const PROBES_VERSION = '1';

/** A gateway may leave out the tokenizer: then nothing says that its tokens are the same. */
function withoutTokenizer(error: unknown): false {
  if (error instanceof ServerFailure && error.status === 404) return false;
  throw error;
}

function signalOf({ signal }: Surroundings): AbortSignal {
  return signal ?? new AbortController().signal;
}

function wordsOf({ host }: ServerClient): ElsewhereWords {
  return { place: `with the server at ${host}`, model: 'its model' };
}

/** @throws PilotfishError `option-invalid` for a key that everybody on the way could read */
function keyOf(
  { kind, base, host }: ServerAddress,
  { keyEnv, allowsPlainKey = false }: ServerOptions,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const variable = keyEnv ?? KEY_VARIABLES[kind];
  const key = (env[variable] ?? '').trim();
  if (/[^\x21-\x7e]/.test(key)) {
    const message = `The key in ${variable} has characters that a header cannot carry.`;
    throw new PilotfishError('option-invalid', message, {
      remedy: 'Set the variable to the key alone.',
      fields: { option: '--large-key-env', value: variable },
    });
  }
  if (key === '' && keyEnv !== undefined) {
    throw new PilotfishError('option-invalid', `The variable ${keyEnv} is not set.`, {
      remedy: 'Set it to the key of the server, or leave out --large-key-env.',
      fields: { option: '--large-key-env', value: keyEnv },
    });
  }
  if (key === '') return undefined;
  if (base.startsWith('https:') || isOnThisMachine(base) || allowsPlainKey) return key;
  throw new PilotfishError(
    'option-invalid',
    `The key in ${variable} would travel to ${host} without encryption.`,
    {
      remedy:
        'Use an address with https, unset the variable if the server needs no key, or accept it with ' +
        '--large-plain-key.',
      fields: { host },
    },
  );
}

interface KnownModel {
  readonly facts: RemoteFacts;
  readonly bound: BoundModel | null;
}

/** A context that no server said: that of the small model then counts. */
const CONTEXT_LENGTH_UNSAID = Number.MAX_SAFE_INTEGER;
/** As many rows as a prompt has: nothing is known of a server's chunks. */
const ROW_COUNT_MAX = 4096;

async function knownModel(
  { servedName, contextLength }: Pick<ServerIdentity, 'servedName' | 'contextLength'>,
  { options: { as }, surroundings: options }: Server,
): Promise<KnownModel> {
  const limits = {
    contextLength: Math.min(
      contextLength ?? CONTEXT_LENGTH_UNSAID,
      options.contextLength ?? CONTEXT_LENGTH_UNSAID,
    ),
    rowCountMax: ROW_COUNT_MAX,
  };
  if (as === undefined) {
    const unknown = { parameterCounts: { body: 0, outputHead: 0 }, weightBytes: 0 };
    return { bound: null, facts: { name: servedName, ...unknown, kvBytesPerToken: 0, ...limits } };
  }
  const found = await findModel(as, options);
  if (found === null) {
    throw new PilotfishError('model-unknown', `The model ${as} is not on this machine.`, {
      remedy: `Pull it with \`pilotfish models pull ${as}\`, or leave out --large-as.`,
      fields: { option: '--large-as', value: as },
    });
  }
  const { parameterCounts, weightBytes, kvBytesPerToken } = await readModelFile(found.path);
  const name = shortName(as);
  const sizes = { parameterCounts, weightBytes, kvBytesPerToken };
  return { bound: await boundModel(name, found, options), facts: { name, ...sizes, ...limits } };
}

/** Answers of another server, model or version are others. */
function digestOf(
  { kind, base }: ServerAddress,
  { servedName, version }: Pick<ServerIdentity, 'servedName' | 'version'>,
): string {
  return createHash('sha256')
    .update(JSON.stringify([kind, base, servedName, version]))
    .digest('hex');
}
