/**
 * Finds the trained routers of the strategies that are asked for: files that the user named, and files
 * that come with this package. A router serves the pair of models that it was trained for and no other.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PilotfishError } from '../../core/errors.ts';
import type { ModelRole } from '../../core/model-id.ts';
import type { BoundModel, Router } from '../../judging/router.ts';
import { decodeRouter } from '../../judging/router-file.ts';
import { readGiven } from '../../storage/whole-file.ts';
import type { StrategyValue } from '../../strategy/method.ts';

/** A router that the user named by its file. */
export interface NamedRouter {
  readonly path: string;
  readonly router: Router;
}

export interface FindRoutersOptions {
  readonly strategies: readonly StrategyValue[];
  readonly models: Readonly<Record<ModelRole, BoundModel>>;
  /** Routers that replace those that come with this package (see `readNamedRouters`). */
  readonly named?: readonly NamedRouter[];
  /** Whether a strategy's router may be missing; default false. */
  readonly isOptional?: boolean;
  /** The folder of the routers that come with this package; default: its heads/. */
  readonly shippedFolder?: string;
}

/** Routers have a few megabytes at most; a larger file is something else. */
const ROUTER_BYTES_MAX = 64 * 2 ** 20;
const EXTENSION = '.safetensors';
const SHIPPED_FOLDER = fileURLToPath(new URL('../../../heads', import.meta.url));

/**
 * Reads the files that the user named. A file that no strategy uses is refused, because its user
 * believes that it routes.
 * @throws PilotfishError as `readRouter`; `option-invalid` for a router that no strategy uses, or a
 *   second one for a strategy
 */
export async function readNamedRouters(
  paths: readonly string[],
  strategies: readonly StrategyValue[],
): Promise<readonly NamedRouter[]> {
  const wanted = routedNames(strategies);
  const named: NamedRouter[] = [];
  for (const path of paths) {
    const router = await readRouter(path);
    if (!wanted.has(router.strategy)) throw notAskedFor(router.strategy, path);
    if (named.some((other) => other.router.strategy === router.strategy)) {
      throw twice(router.strategy, path);
    }
    named.push({ path, router });
  }
  return named;
}

/**
 * Finds the routers of the strategies.
 * @throws PilotfishError `head-missing`, `head-invalid`, `head-mismatch` for a named router
 */
export async function findRouters({
  strategies,
  models,
  named = [],
  isOptional = false,
  shippedFolder = SHIPPED_FOLDER,
}: FindRoutersOptions): Promise<ReadonlyMap<string, Router>> {
  const found = new Map<string, Router>();
  for (const { path, router } of named) {
    checkPair(router, models, path);
    found.set(router.strategy, router);
  }
  const wanted = routedNames(strategies);
  if ([...wanted].every((name) => found.has(name))) return found;
  const { routers, failure } = await shippedRouters(shippedFolder);
  for (const router of routers) {
    const { strategy } = router;
    if (wanted.has(strategy) && !found.has(strategy) && isFor(router, models)) {
      found.set(strategy, router);
    }
  }
  const missing = [...wanted].find((name) => !found.has(name));
  if (missing !== undefined && !isOptional && failure !== null) throw failure;
  if (missing !== undefined && !isOptional) throw missingRouter(missing, models);
  return found;
}

/** @throws PilotfishError `head-missing`, `head-invalid`, naming the file */
export async function readRouter(path: string): Promise<Router> {
  const bytes = await readGiven({
    ...{ action: 'read the router', path, code: 'head-missing' },
    otherwise: 'name a file that `pilotfish train router` wrote',
    byteCountMax: ROUTER_BYTES_MAX,
    tooLarge: (byteCount) =>
      noRouter(path, `has ${byteCount} bytes, far more than a router`, { byteCount }),
    notAFile: () => noRouter(path, 'is a folder or a device, not a file'),
  });
  try {
    return decodeRouter(bytes);
  } catch (error) {
    if (!PilotfishError.isInstance(error)) throw error;
    throw invalidRouter(path, error);
  }
}

interface Shipped {
  readonly routers: readonly Router[];
  /** The error of the first file that cannot be used. */
  readonly failure: unknown;
}

/** The routers of all pairs. A file that cannot be used leaves the others usable. */
async function shippedRouters(folder: string): Promise<Shipped> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const paths = names.filter((name) => name.endsWith(EXTENSION)).sort();
  const read = await Promise.allSettled(paths.map((name) => readRouter(join(folder, name))));
  const failed = read.find((result) => result.status === 'rejected');
  return {
    routers: read.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    failure: failed?.reason ?? null,
  };
}

/** Names of the methods that need a router. */
function routedNames(strategies: readonly StrategyValue[]): ReadonlySet<string> {
  const methods = strategies.map(({ method }) => method);
  return new Set(methods.flatMap(({ name, head }) => (head === 'router' ? [name] : [])));
}

function isFor({ pair }: Router, models: FindRoutersOptions['models']): boolean {
  return pair.small.digest === models.small.digest && pair.large.digest === models.large.digest;
}

function checkPair(router: Router, models: FindRoutersOptions['models'], path: string): void {
  if (isFor(router, models)) return;
  const { small, large } = router.pair;
  const role = small.digest === models.small.digest ? 'large' : 'small';
  throw new PilotfishError(
    'head-mismatch',
    `The router ${path} was trained for ${small.name} and ${large.name}; the ${role} model here is ` +
      `${models[role].name}${models[role].name === router.pair[role].name ? ', but another file' : ''}.`,
    {
      remedy: 'Train one for these models with `pilotfish train router`.',
      fields: { path, expected: router.pair[role].digest, found: models[role].digest },
    },
  );
}

function missingRouter(strategy: string, { small, large }: FindRoutersOptions['models']) {
  return new PilotfishError(
    'head-missing',
    `No router for ${strategy} was trained for ${small.name} and ${large.name}.`,
    {
      remedy:
        `Train one with \`pilotfish train router --objective ${strategy}\`, ` +
        'or name its file with --router.',
      fields: { strategy, small: small.name, large: large.name },
    },
  );
}

function twice(strategy: string, path: string): PilotfishError {
  return new PilotfishError('option-invalid', `${path} is a second router for ${strategy}.`, {
    remedy: 'Name one router for each strategy.',
    fields: { strategy, path },
  });
}

function notAskedFor(strategy: string, path: string): PilotfishError {
  return new PilotfishError(
    'option-invalid',
    `${path} is a router for ${strategy}, which was not requested.`,
    {
      remedy: `Name ${strategy} with --strategy or among --strategies, or leave --router out.`,
      fields: { strategy, path },
    },
  );
}

/** The decoder's error with the file's name. */
function invalidRouter(path: string, cause: PilotfishError): PilotfishError {
  const { code, message, remedy, fields } = cause;
  return new PilotfishError(code, `${path}: ${message}`, {
    remedy: remedy ?? undefined,
    fields: { ...fields, path },
    cause,
  });
}

function noRouter(path: string, why: string, fields: PilotfishError['fields'] = {}) {
  return new PilotfishError('head-invalid', `${path}: it ${why}.`, {
    remedy: 'Name a file that `pilotfish train router` wrote.',
    fields: { path, ...fields },
  });
}
