/** `pilotfish models pull`. */
import { type EnsureModelOptions, ensureModel } from '../../../catalog/ensure-model.ts';
import { DEFAULT_PAIR, parsePair } from '../../../catalog/known-pairs.ts';
import { parseModelReference } from '../../../catalog/model-reference.ts';
import type { CliIo } from '../../io.ts';
import { printableText } from '../../rendering/printable-text.ts';

export interface PullArguments {
  readonly names: readonly string[];
  readonly pair?: string;
  readonly json?: boolean;
}

export async function pullModels(
  io: CliIo,
  { names, pair, json = false }: PullArguments,
  catalog: EnsureModelOptions,
): Promise<void> {
  const wanted = [...names, ...(pair === undefined ? [] : pairNames(pair))];
  const all = wanted.length > 0 ? wanted : pairNames(DEFAULT_PAIR.name);
  // A typing error in the last name should not show after the first gigabyte.
  for (const name of all) parseModelReference(name);
  for (const name of new Set(all)) {
    const model = await ensureModel(name, catalog);
    if (json) io.out(`${JSON.stringify({ type: 'model', ...model })}\n`);
    else io.out(`${printableText(model.name)}  ${printableText(model.path)}\n`);
  }
}

function pairNames(pair: string): readonly string[] {
  const { small, large } = parsePair(pair);
  return [small, large];
}
