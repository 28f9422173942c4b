/** Which models an engine needs, and their files on this machine. */
import { ensureModel, type LocalModel } from '../../catalog/ensure-model.ts';
import { DEFAULT_PAIR, type ModelPair, POCKET_PAIR, parsePair } from '../../catalog/known-pairs.ts';
import { PilotfishError } from '../../core/errors.ts';
import { required } from '../../core/invariant.ts';
import type { ModelLabel } from '../../core/model-id.ts';
import type { PairOptions } from '../pair-options.ts';

export interface Chosen {
  readonly names: Names;
  readonly files: Files;
}

export type Files = { readonly [L in ModelLabel]?: Pick<LocalModel, 'path' | 'sha256'> };

export function pathOf(files: Files, label: ModelLabel): string {
  return required(files[label], `${label} has a file`).path;
}

/** A user who named models never gets others instead. */
export async function chooseModels(
  labels: readonly ModelLabel[],
  options: PairOptions,
): Promise<Chosen> {
  const names = modelNames(parsePair(options.pair ?? DEFAULT_PAIR.name), options);
  checkNamed(names, labels);
  try {
    return { names, files: await ensureFiles(names, labels, options) };
  } catch (error) {
    const { pair, small, large, judge, reward } = options;
    const isNamed = [pair, small, large, judge, reward].some((name) => name !== undefined);
    const isNowhere = PilotfishError.isInstance(error) && error.code === 'source-unavailable';
    if (isNamed || !isNowhere) throw error;
    options.onNotice?.(
      `The ${DEFAULT_PAIR.name} models are neither on this machine nor available from any source. ` +
        `The ${POCKET_PAIR.name} pair answers instead: it only does arithmetic word problems.`,
    );
    const pocket = modelNames(POCKET_PAIR, options);
    return { names: pocket, files: await ensureFiles(pocket, labels, options) };
  }
}

/** Pulls all models before the first is loaded, so that a failed pull costs no load. */
async function ensureFiles(
  names: Names,
  labels: readonly ModelLabel[],
  options: PairOptions,
): Promise<Files> {
  const files: { [L in ModelLabel]?: Pick<LocalModel, 'path' | 'sha256'> } = {};
  for (const label of labels) files[label] = await ensureModel(nameOf(names, label), options);
  return files;
}

export type Names = { readonly [L in ModelLabel]?: string | undefined };

function modelNames(known: ModelPair, { small, large, judge, reward }: PairOptions): Names {
  const names = { small: small ?? known.small, large: large ?? known.large };
  return { ...names, judge: judge ?? names.large, reward: reward ?? known.reward };
}

export function nameOf(names: Names, label: ModelLabel): string {
  return required(names[label], `${label} has a name`);
}

/** @throws PilotfishError `model-unknown` */
function checkNamed(names: Names, labels: readonly ModelLabel[]): void {
  const label = labels.find((one) => names[one] === undefined);
  if (label === undefined) return;
  throw new PilotfishError(
    'model-unknown',
    `A strategy needs a ${label} model, and ${names.small} with ${names.large} has none.`,
    { remedy: `Name one with --${label}.`, fields: { role: label } },
  );
}

/**
 * The labels of each model, by the label that it is loaded for. A judge or reward model in the file of
 * another model is that model. The two models of a pair are never one.
 */
export function modelLabels(
  labels: readonly ModelLabel[],
  files: Files,
): ReadonlyMap<ModelLabel, readonly ModelLabel[]> {
  const loadedFor = (label: ModelLabel): ModelLabel => {
    if (label === 'small' || label === 'large') return label;
    const same = labels.filter((other) => pathOf(files, other) === pathOf(files, label));
    return same.find((other) => other === 'large') ?? same[0] ?? label;
  };
  const first = new Set(labels.map(loadedFor));
  return new Map(
    [...first].map((one) => [one, labels.filter((label) => loadedFor(label) === one)]),
  );
}
