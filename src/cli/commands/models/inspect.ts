/** `pilotfish models inspect`. */
import { bundledModel } from '../../../catalog/bundled-models.ts';
import { type EnsureModelOptions, findModel } from '../../../catalog/ensure-model.ts';
import { knownModel, type ModelCard } from '../../../catalog/known-models.ts';
import { PilotfishError } from '../../../core/errors.ts';
import type { ModelFileFacts } from '../../../model/llama-cpp/model-file.ts';
import type { CliIo } from '../../io.ts';
import { formatBytes } from '../../rendering/format-quantity.ts';
import { plainTable } from '../../rendering/plain-table.ts';
import { printableText } from '../../rendering/printable-text.ts';

export interface InspectArguments {
  readonly name: string;
  readonly json?: boolean;
}

export interface InspectDependencies {
  readonly catalog: EnsureModelOptions;
  readonly readModelFile: (path: string) => Promise<ModelFileFacts>;
}

export async function inspectModel(
  io: CliIo,
  { name, json = false }: InspectArguments,
  { catalog, readModelFile }: InspectDependencies,
): Promise<void> {
  const model = await findModel(name, catalog);
  if (model === null) {
    throw new PilotfishError('model-file-missing', `${name} is not on this machine.`, {
      remedy: `Run "pilotfish models pull ${name}".`,
      fields: { model: name },
    });
  }
  const facts = await readModelFile(model.path);
  const card = knownModel(model.name) ?? bundledModel(model.name);
  if (json) {
    // "name" is what this program calls it; the file's own name for itself goes beside it.
    const { name: title, ...rest } = facts;
    const licence = card?.licence ?? null;
    io.out(`${JSON.stringify({ type: 'model', ...rest, ...model, title, licence })}\n`);
    return;
  }
  const rows = factRows(facts, card);
  io.out(plainTable(rows.map(([title, value]) => [io.color.bold(title), printableText(value)])));
}

function factRows(
  facts: ModelFileFacts,
  card: ModelCard | null,
): readonly (readonly [string, string])[] {
  const { body, outputHead } = facts.parameterCounts;
  return [
    ['path', facts.path],
    ['name', facts.name ?? '–'],
    ['licence', card?.licence ?? '–'],
    ['architecture', facts.architecture],
    ['quantisation', quantisation(facts, card)],
    ['parameters, body', count(body)],
    ['parameters, output head', count(outputHead)],
    ['layers', count(facts.layerCount)],
    ['hidden size', count(facts.hiddenSize)],
    ['vocabulary size', count(facts.vocabularySize)],
    ['context length', count(facts.contextLengthMax)],
    ['chat template', facts.chatTemplate === null ? 'no' : 'yes'],
    ['tensors', count(facts.tensorCount)],
    ['bytes', `${count(facts.byteCount)} (${formatBytes(facts.byteCount)})`],
    ['bytes read per step', `${count(facts.weightBytes)} (${formatBytes(facts.weightBytes)})`],
    ['cache bytes per token', count(facts.kvBytesPerToken)],
  ];
}

/** A recipe such as Q4_K_M mixes types; a file names only those. */
function quantisation(facts: ModelFileFacts, card: ModelCard | null): string {
  const most = facts.quantisation ?? '–';
  return card === null ? most : `${card.quantisation} (most bytes: ${most})`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
