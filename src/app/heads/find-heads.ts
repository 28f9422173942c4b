/**
 * Finds the trained heads of the strategies that are asked for: files that the user named, and files
 * that come with this package. A head serves the pair of models that it was trained for and no other.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PilotfishError } from '../../core/errors.ts';
import type { ModelRole } from '../../core/model-id.ts';
import type { BoundFacts, BoundModel } from '../../judging/head.ts';
import { formatName } from '../../judging/head-file.ts';
import { decodeReward, REWARD_FORMAT } from '../../judging/reward-file.ts';
import type { RewardHead } from '../../judging/reward-head.ts';
import type { Router } from '../../judging/router.ts';
import { decodeRouter } from '../../judging/router-file.ts';
import type { UhlmFit } from '../../judging/uhlm-fit.ts';
import { decodeUhlmFit, UHLM_FIT_FORMAT } from '../../judging/uhlm-fit-file.ts';
import { readGiven } from '../../storage/whole-file.ts';
import { consultsFit } from '../../strategy/fitted-uplink.ts';
import type { HeadNeed, Method, StrategyValue } from '../../strategy/method.ts';
import { missingHead } from '../../strategy/missing-head.ts';
import type { UplinkOptions } from '../../strategy/strategy-options.ts';
import { rewardFlags } from './reward-settings.ts';

/** The heads of strategies, by the name of the strategy that they were trained for. */
export interface Heads {
  readonly routers: ReadonlyMap<string, Router>;
  readonly rewards: ReadonlyMap<string, RewardHead>;
  /** Fits of U-HLM for the pair, one for each temperature. */
  readonly fits: readonly UhlmFit[];
}

export const NO_HEADS: Heads = { routers: new Map(), rewards: new Map(), fits: [] };

/** A head of either kind, or a fit. */
export type Head =
  | { readonly kind: 'router'; readonly head: Router }
  | { readonly kind: 'reward'; readonly head: RewardHead }
  | { readonly kind: 'fit'; readonly head: UhlmFit };

/** A head that the user named by its file. */
export type NamedHead = Head & { readonly path: string };

export interface FindHeadsOptions {
  readonly strategies: readonly StrategyValue[];
  /** The options by which strategies may ask for a fit. */
  readonly uplink?: UplinkOptions | undefined;
  readonly models: Readonly<Record<ModelRole, BoundModel>>;
  /** Heads that replace those that come with this package (see `readNamedHeads`). */
  readonly named?: readonly NamedHead[];
  /** Whether a strategy's head may be missing; default false. */
  readonly isOptional?: boolean;
  /** The folder of the heads that come with this package; default: its heads/. */
  readonly shippedFolder?: string;
}

/** Heads have a few megabytes at most; a larger file is something else. */
const HEAD_BYTES_MAX = 64 * 2 ** 20;
const EXTENSION = '.safetensors';
const SHIPPED_FOLDER = fileURLToPath(new URL('../../../heads', import.meta.url));

/**
 * Reads the files that the user named. A file that no strategy uses is refused, because its user
 * believes that it decides.
 * @throws PilotfishError as `readHead`; `option-invalid` for a head that no strategy uses, or a second
 *   one for a strategy
 */
export async function readNamedHeads(
  paths: readonly string[],
  strategies: readonly StrategyValue[],
  uplink?: UplinkOptions,
): Promise<readonly NamedHead[]> {
  const isWanted = wantedBy(strategies, uplink);
  const named: NamedHead[] = [];
  for (const path of paths) {
    const read = await readHead(path);
    const key = keyOf(read);
    if (!isWanted(read)) throw notAskedFor(read, path);
    if (named.some((other) => keyOf(other) === key)) throw twice(read, path);
    named.push({ ...read, path });
  }
  return named;
}

/**
 * Finds the heads of the strategies.
 * @throws PilotfishError `head-missing`, `head-invalid`, `head-mismatch` for a named head
 */
export async function findHeads({
  strategies,
  uplink,
  models,
  named = [],
  isOptional = false,
  shippedFolder = SHIPPED_FOLDER,
}: FindHeadsOptions): Promise<Heads> {
  const found = new Map<string, Head>();
  for (const head of named) {
    checkPair(head, models);
    found.set(keyOf(head), head);
  }
  const wanted = neededHeads(strategies);
  const isWanted = wantedBy(strategies, uplink);
  const asksForFits = strategies.some((value) => consultsFit(value, uplink));
  if (asksForFits || [...wanted.keys()].some((key) => !found.has(key))) {
    const { heads, failure } = await shippedHeads(shippedFolder);
    for (const head of heads) {
      const key = keyOf(head);
      if (isWanted(head) && !found.has(key) && isFor(head.head, models)) found.set(key, head);
    }
    const missing = [...wanted].find(([key]) => !found.has(key));
    if (missing !== undefined && !isOptional) throw failure ?? missingFor(missing[1], models);
  }
  return headsOf([...found.values()]);
}

function headsOf(found: readonly Head[]): Heads {
  const routers = found.flatMap((one) => (one.kind === 'router' ? [one.head] : []));
  const rewards = found.flatMap((one) => (one.kind === 'reward' ? [one.head] : []));
  return {
    routers: new Map(routers.map((head) => [head.strategy, head])),
    rewards: new Map(rewards.map((head) => [head.strategy, head])),
    fits: found.flatMap((one) => (one.kind === 'fit' ? [one.head] : [])),
  };
}

/** @throws PilotfishError as `readHead`; `head-invalid` for another kind */
export async function readRouter(path: string): Promise<Router> {
  const read = await readHead(path);
  if (read.kind === 'router') return read.head;
  throw noHead(path, `is a ${nounOf(read.kind)}, not a router`);
}

/** A head whose thresholds can be calibrated. @throws PilotfishError as `readHead`; `head-invalid` */
export async function readCalibratable(path: string): Promise<Exclude<Head, { kind: 'fit' }>> {
  const read = await readHead(path);
  if (read.kind !== 'fit') return read;
  throw noHead(path, `is a ${nounOf(read.kind)}, whose thresholds follow from it`);
}

/** @throws PilotfishError `head-missing`, `head-invalid`, naming the file */
export async function readHead(path: string): Promise<Head> {
  const bytes = await readGiven({
    ...{ action: 'read the head', path, code: 'head-missing' },
    otherwise: 'name a file that `pilotfish train` or `pilotfish fit` wrote',
    byteCountMax: HEAD_BYTES_MAX,
    tooLarge: (byteCount) =>
      noHead(path, `has ${byteCount} bytes, far more than a head`, { byteCount }),
    notAFile: () => noHead(path, 'is a folder or a device, not a file'),
  });
  try {
    return decoded(bytes);
  } catch (error) {
    if (!PilotfishError.isInstance(error)) throw error;
    throw invalidHead(path, error);
  }
}

function decoded(bytes: Uint8Array): Head {
  switch (formatName(bytes)) {
    case REWARD_FORMAT.name:
      return { kind: 'reward', head: decodeReward(bytes) };
    case UHLM_FIT_FORMAT.name:
      return { kind: 'fit', head: decodeUhlmFit(bytes) };
    default:
      return { kind: 'router', head: decodeRouter(bytes) };
  }
}

interface Shipped {
  readonly heads: readonly Head[];
  /** The error of the first file that cannot be used. */
  readonly failure: unknown;
}

/** The heads of all pairs. A file that cannot be used leaves the others usable. */
async function shippedHeads(folder: string): Promise<Shipped> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const paths = names.filter((name) => name.endsWith(EXTENSION)).sort();
  const read = await Promise.allSettled(paths.map((name) => readHead(join(folder, name))));
  const failed = read.find((result) => result.status === 'rejected');
  return {
    heads: read.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    failure: failed?.reason ?? null,
  };
}

function keyOf({ kind, head }: Head): string {
  // A pair has a fit for each temperature.
  return `${kind} ${head.strategy}${kind === 'fit' ? ` at ${head.temperature}` : ''}`;
}

type HeadMethod = Pick<Method, 'name'> & { readonly head: HeadNeed };

/** The methods that need heads, by the keys of the heads. */
function neededHeads(strategies: readonly StrategyValue[]): ReadonlyMap<string, HeadMethod> {
  const methods = strategies.flatMap(({ method: { name, head } }) =>
    head === null ? [] : { name, head },
  );
  return new Map(methods.map((method) => [`${method.head.kind} ${method.head.name}`, method]));
}

function wantedBy(
  strategies: readonly StrategyValue[],
  uplink: UplinkOptions | undefined,
): (head: Head) => boolean {
  const wanted = neededHeads(strategies);
  const asksForFits = strategies.some((value) => consultsFit(value, uplink));
  return (head) => (head.kind === 'fit' ? asksForFits : wanted.has(keyOf(head)));
}

function isFor({ pair }: BoundFacts, models: FindHeadsOptions['models']): boolean {
  return pair.small.digest === models.small.digest && pair.large.digest === models.large.digest;
}

function checkPair({ kind, head, path }: NamedHead, models: FindHeadsOptions['models']): void {
  if (isFor(head, models)) return;
  const { small, large } = head.pair;
  const role = small.digest === models.small.digest ? 'large' : 'small';
  const here = models[role].name;
  const isNamesake = here === head.pair[role].name;
  throw new PilotfishError(
    'head-mismatch',
    `The ${nounOf(kind)} ${path} was ${kind === 'fit' ? 'made' : 'trained'} for ${small.name} ` +
      `and ${large.name}; the ${role} model here is ${here}${isNamesake ? ', but another file' : ''}.`,
    {
      remedy: `Make one for these models with \`${TRAINED_BY[kind](head.strategy)}\`.`,
      fields: { path, expected: head.pair[role].digest, found: models[role].digest },
    },
  );
}

/** The kind in sentences. */
function nounOf(kind: Head['kind']): string {
  return kind === 'fit' ? UHLM_FIT_FORMAT.noun : kind;
}

const TRAINED_BY: Readonly<Record<Head['kind'], (name: string) => string>> = {
  router: (name) => `pilotfish train router --objective ${name}`,
  reward: (name) => ['pilotfish train reward', ...rewardFlags(name)].join(' '),
  fit: () => 'pilotfish fit uhlm',
};

function missingFor(
  { name: strategy, head: { kind, name } }: HeadMethod,
  { small, large }: FindHeadsOptions['models'],
): PilotfishError {
  const pair = { small: small.name, large: large.name };
  return missingHead({ strategy, kind, pair, trainedBy: TRAINED_BY[kind](name) });
}

function twice({ kind, head }: Head, path: string): PilotfishError {
  const { strategy } = head;
  return new PilotfishError(
    'option-invalid',
    `${path} is a second ${nounOf(kind)} for ${strategy}.`,
    { remedy: `Name one ${nounOf(kind)} for each strategy.`, fields: { strategy, path } },
  );
}

function notAskedFor({ kind, head }: Head, path: string): PilotfishError {
  const { strategy } = head;
  const isFit = kind === 'fit';
  return new PilotfishError(
    'option-invalid',
    isFit
      ? `${path} is a ${nounOf(kind)}, and nothing asks for it.`
      : `${path} is a ${nounOf(kind)} for ${strategy}, which was not requested.`,
    {
      remedy: isFit
        ? `Name ${strategy} without a threshold, take --uplink-tokens online, or leave --head out.`
        : `Name ${strategy} with --strategy or among --strategies, or leave --head out.`,
      fields: { strategy, path },
    },
  );
}

/** The decoder's error with the file's name. */
function invalidHead(path: string, cause: PilotfishError): PilotfishError {
  const { code, message, remedy, fields } = cause;
  return new PilotfishError(code, `${path}: ${message}`, {
    remedy: remedy ?? undefined,
    fields: { ...fields, path },
    cause,
  });
}

function noHead(path: string, why: string, fields: PilotfishError['fields'] = {}) {
  return new PilotfishError('head-invalid', `${path}: it ${why}.`, {
    remedy: 'Name a file that `pilotfish train` or `pilotfish fit` wrote.',
    fields: { path, ...fields },
  });
}
