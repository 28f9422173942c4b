/** Runs a hub: a large model that verifies the drafts of devices over a network. */
import { ensureModel } from '../catalog/ensure-model.ts';
import { PilotfishError } from '../core/errors.ts';
import { Hub } from '../hub/hub.ts';
import { checkHost, startHubServer } from '../hub/hub-server.ts';
import { CONTEXT_LENGTH_DEFAULT } from '../model/llama-cpp/model.ts';
import { SEQUENCE_COUNT_LIMIT } from '../model/sequence-count-limit.ts';
import { fileDigest } from '../storage/file-digest.ts';
import { readKeys } from './hub/hub-key.ts';
import { readPem } from './hub/read-pem.ts';
import { loadNamedModel } from './machine/load-named-model.ts';
import { shortName } from './machine/local-profile.ts';
import type { PairOptions } from './pair-options.ts';

export interface RunHubOptions
  extends Omit<PairOptions, 'pair' | 'small' | 'judge' | 'reward' | 'template'> {
  /** The model: a known name, the path of a .gguf file, or `hub:owner/repo/file`. */
  readonly large: string;
  /** Default `127.0.0.1`. Another one needs a key. */
  readonly host?: string | undefined;
  /** Default 7433. */
  readonly port?: number | undefined;
  /** A file with one key a line; default: the variable PILOTFISH_HUB_KEY, if it is set. */
  readonly keyFile?: string | undefined;
  /** A certificate and its private key, as files in PEM: together. Default: no TLS. */
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  /** Devices that may be connected at once; default 32. */
  readonly deviceCountMax?: number | undefined;
  /** Requests of the devices of one key; default: as many as of all. */
  readonly requestsPerKeyMax?: number | undefined;
  /** Tokens in the KV cache, for all devices together; default: four full contexts. */
  readonly cellCount?: number | undefined;
  /** How long requests may go on while the hub drains; default 30 s. */
  readonly drainMs?: number | undefined;
  /** Told of failures that no device caused. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

export interface RunningHub extends AsyncDisposable {
  /** `ws://HOST:PORT` or `wss://HOST:PORT`. */
  readonly url: string;
  readonly model: string;
  readonly isSecret: boolean;
}

export const HUB_HOST_DEFAULT = '127.0.0.1';
export const HUB_PORT_DEFAULT = 7433;
export const DEVICE_COUNT_MAX_DEFAULT = 32;
export const DRAIN_MS_DEFAULT = 30_000;
/** Full contexts that fit in the cache by default. */
const CONTEXT_COUNT = 4;
/** Sequences beside those of the devices, for texts that the prefix cache keeps. */
const SPARE_SEQUENCE_COUNT = 8;

/**
 * Loads the model and listens. Closing it drains: devices are told, their requests may end, and all
 * connections are closed at the latest after `drainMs`.
 * @throws PilotfishError `option-invalid`, `hub-unreachable` if the port cannot be had, and what
 *   `ensureModel` and `loadModel` throw; nothing stays loaded then
 */
export async function runHub(options: RunHubOptions): Promise<RunningHub> {
  const { large, host = HUB_HOST_DEFAULT, port = HUB_PORT_DEFAULT, onFailure = () => {} } = options;
  const { deviceCountMax = DEVICE_COUNT_MAX_DEFAULT, drainMs = DRAIN_MS_DEFAULT } = options;
  // Found before a model is loaded.
  const [keys, tls] = [await readKeys(options), await readTls(options)];
  checkHost({ host, keys });
  const { path, sha256 } = await ensureModel(large, options);
  const digest = sha256 ?? (await fileDigest(path, `Hashing ${shortName(large)}`, options));
  const { contextLength = CONTEXT_LENGTH_DEFAULT } = options;
  const model = await loadNamedModel(large, path, 1, {
    ...options,
    cellCount: options.cellCount ?? CONTEXT_COUNT * contextLength,
    sequenceCountMax: Math.min(deviceCountMax + SPARE_SEQUENCE_COUNT, SEQUENCE_COUNT_LIMIT),
  });
  const { requestsPerKeyMax } = options;
  const limits = requestsPerKeyMax === undefined ? {} : { requestsPerKeyMax };
  const hub = new Hub({ model, digest, limits, onFailure });
  try {
    const server = await startHubServer({
      ...{ hub, host, port, keys, tls, deviceCountMax, onFailure },
    });
    return {
      url: server.url,
      model: model.facts.name,
      isSecret: keys.length > 0,
      [Symbol.asyncDispose]: async () => {
        await server.drain(drainMs);
        await hub[Symbol.asyncDispose]();
        await model[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await model[Symbol.asyncDispose]();
    throw error;
  }
}

async function readTls({
  tlsCert,
  tlsKey,
}: RunHubOptions): Promise<{ readonly cert: string; readonly key: string } | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new PilotfishError('option-invalid', 'A certificate and its key belong together.', {
      remedy: 'Give both --tls-cert and --tls-key.',
      fields: { option: tlsCert === undefined ? '--tls-cert' : '--tls-key' },
    });
  }
  return { cert: await readPem(tlsCert, '--tls-cert'), key: await readPem(tlsKey, '--tls-key') };
}
