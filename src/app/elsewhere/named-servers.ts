/** Servers that a user has given names, in one YAML file, so that `--large NAME` is enough. */
import { join } from 'node:path';
import envPaths from 'env-paths';
import { parse, YAMLParseError } from 'yaml';
import { z } from 'zod';
import type { Environment } from '../../catalog/catalog-context.ts';
import { definedFields } from '../../core/defined-fields.ts';
import { PilotfishError } from '../../core/errors.ts';
import type { TokenPrices } from '../../core/events.ts';
import { parseServerAddress } from '../../remote/server-address.ts';
import { readGiven, readWhole } from '../../storage/whole-file.ts';
import type { ServerOptions } from './reach-server.ts';

/** The variable with the file's path; default: `models.yaml` in the configuration folder. */
const FILE_VARIABLE = 'PILOTFISH_MODELS';
const BYTE_COUNT_MAX = 2 ** 20;

const PRICE = z.number().finite().nonnegative();

const SERVER = z.strictObject({
  address: z.string(),
  key_env: z.string().optional(),
  plain_key: z.boolean().optional(),
  ca: z.string().optional(),
  as: z.string().optional(),
  prices: z
    .strictObject({
      input: PRICE,
      output: PRICE,
      cached_input: PRICE.optional(),
      as_of: z.iso.date().optional(),
    })
    .optional(),
});

const FILE = z.strictObject({ models: z.record(z.string(), SERVER) });

export interface NamedServer {
  readonly address: string;
  readonly server: ServerOptions;
  /** Null: the file has none. */
  readonly prices: TokenPrices | null;
}

/**
 * The server of a name; null: the file has none of this name, or there is no file.
 * @throws PilotfishError `option-invalid` for a file with nonsense, naming the field; `file-system-failed`
 */
export async function namedServer(
  name: string,
  env: Environment = process.env,
): Promise<NamedServer | null> {
  const servers = await namedServers(env);
  const server = Object.hasOwn(servers, name) ? servers[name] : undefined;
  if (server === undefined) return null;
  const { address, key_env: keyEnv, plain_key: allowsPlainKey, ca: caFile, as, prices } = server;
  parseServerAddress(address);
  return {
    address,
    server: definedFields({ keyEnv, allowsPlainKey, caFile, as }),
    prices: prices === undefined ? null : pricesOf(prices),
  };
}

/** @throws PilotfishError as `namedServer` */
export async function serverNames(env: Environment = process.env): Promise<readonly string[]> {
  return Object.keys(await namedServers(env));
}

async function namedServers(env: Environment): Promise<z.infer<typeof FILE>['models']> {
  const path = env[FILE_VARIABLE] ?? '';
  const file = path === '' ? await ownFile() : await givenFile(path);
  return file === null ? {} : read(file.text, file.path).models;
}

interface ReadFile {
  readonly path: string;
  readonly text: string;
}

async function ownFile(): Promise<ReadFile | null> {
  const path = join(envPaths('pilotfish', { suffix: '' }).config, 'models.yaml');
  const bytes = await readWhole(path);
  return bytes === null ? null : { path, text: bytes.toString('utf8') };
}

async function givenFile(path: string): Promise<ReadFile> {
  const tooLarge = (): PilotfishError => invalid(path, 'it is too large');
  const bytes = await readGiven({ path, byteCountMax: BYTE_COUNT_MAX, tooLarge });
  return { path, text: bytes.toString('utf8') };
}

function read(text: string, path: string): z.infer<typeof FILE> {
  const parsed = FILE.safeParse(parsedYaml(text, path));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(path, `${issue?.path.join('.') || 'the file'}: ${issue?.message}`);
}

function parsedYaml(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    throw invalid(path, error.message.split('\n')[0] ?? 'it is no YAML');
  }
}

function invalid(path: string, why: string): PilotfishError {
  return new PilotfishError('option-invalid', `The file of models ${path} is not valid: ${why}.`, {
    remedy: 'Correct it; docs/SERVERS.md shows one.',
    fields: { option: FILE_VARIABLE, value: path },
  });
}

function pricesOf(prices: NonNullable<z.infer<typeof SERVER>['prices']>): TokenPrices {
  const { input, output, cached_input: cachedInputPerMillion, as_of: asOf } = prices;
  return {
    ...{ inputPerMillion: input, outputPerMillion: output },
    ...definedFields({ cachedInputPerMillion, asOf }),
  };
}
