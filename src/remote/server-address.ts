/** The address of a model that another engine serves, such as `vllm:http://127.0.0.1:8000/MODEL`. Pure. */
import { PilotfishError } from '../core/errors.ts';

/** The engines whose wire formats are known. `openai`: anything that speaks as OpenAI does. */
export const SERVER_KINDS = ['vllm', 'sglang', 'llama-server', 'openai'] as const;

export type ServerKind = (typeof SERVER_KINDS)[number];

export interface ServerAddress {
  readonly kind: ServerKind;
  /** Without a user, a password, a query or a slash at its end. */
  readonly base: string;
  readonly host: string;
  /** The model's name on the server; null: the only one that it has. */
  readonly model: string | null;
}

/** Whether a text is meant as an address, and not as a model's name or file. */
export function isServerAddress(text: string): boolean {
  return kindOf(text) !== null || /^https?:\/\//i.test(text);
}

/**
 * `KIND:URL/MODEL`, or `KIND:URL#MODEL` where the URL itself has a path, as OpenAI's `/v1`.
 * @throws PilotfishError `option-invalid`
 */
export function parseServerAddress(text: string): ServerAddress {
  const kind = kindOf(text);
  if (kind === null) throw withoutKind(text);
  const rest = text.slice(kind.length + 1);
  const url = URL.canParse(rest) ? new URL(rest) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw invalid(kind, `is no web address: "${withoutSecrets(rest)}"`);
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid(kind, `of ${url.host} has a user or password`);
  }
  if (url.search !== '') throw invalid(kind, `of ${url.host} has a query`);
  const path = trimmed(url.pathname);
  const named = trimmed(decoded(kind, url.hash.slice(1)));
  // OpenAI's own path ends with its version, so only a fragment can name the model there.
  const isPathOfModel = named === '' && kind !== 'openai' && path !== '';
  const prefix = isPathOfModel || path === '' ? '' : `/${path}`;
  const model = isPathOfModel ? decoded(kind, path) : named;
  if (kind === 'openai' && model === '') throw invalid(kind, `of ${url.host} names no model`);
  return {
    kind,
    base: `${url.protocol}//${url.host}${prefix}`,
    host: url.host,
    model: model === '' ? null : model,
  };
}

/** Whether the address leads to this machine, where nobody can listen on the way. */
export function isOnThisMachine(base: string): boolean {
  const { hostname } = new URL(base);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}

function kindOf(text: string): ServerKind | null {
  return SERVER_KINDS.find((kind) => text.startsWith(`${kind}:`)) ?? null;
}

function trimmed(path: string): string {
  return path.replace(/^\/+|\/+$/g, '');
}

/** What stands before an @ may be a password. */
function withoutSecrets(text: string): string {
  return text.replace(/^([a-z-]+:\/\/)?.*@/s, '$1…@').replace(/\?.*$/s, '?…');
}

/** @throws PilotfishError `option-invalid` */
function decoded(kind: ServerKind, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(kind, 'has a % that stands for no character');
  }
}

const EXAMPLES = 'vllm:http://127.0.0.1:8000/MODEL or openai:https://api.example.com/v1#MODEL';

function withoutKind(text: string): PilotfishError {
  const shown = withoutSecrets(text);
  return new PilotfishError(
    'option-invalid',
    `The address "${shown}" does not say which engine is there.`,
    {
      remedy: `Write the engine before it (${SERVER_KINDS.join(', ')}), as in ${EXAMPLES}.`,
      fields: { option: '--large', value: shown },
    },
  );
}

function invalid(kind: ServerKind, why: string): PilotfishError {
  return new PilotfishError('option-invalid', `The ${kind} address ${why}.`, {
    remedy: `Give an address such as ${EXAMPLES}; a key comes from the environment.`,
    fields: { option: '--large', value: kind },
  });
}
