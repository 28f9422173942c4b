/** `pilotfish models inspect`: the facts of a model's file as rows or as one object. */
import type { InspectedModel } from '../../../app/models.ts';
import type { CliIo } from '../../io.ts';
import { formatBytes } from '../../rendering/format-quantity.ts';
import { plainTable } from '../../rendering/plain-table.ts';
import { printableText } from '../../rendering/printable-text.ts';

export function showInspected(io: CliIo, inspected: InspectedModel, json: boolean): void {
  if (json) {
    const { model, file, card } = inspected;
    // "name" is this program's name of the model. The file's own name goes beside it.
    const { name: title, ...rest } = file;
    const licence = card?.licence ?? null;
    io.out(`${JSON.stringify({ type: 'model', ...rest, ...model, title, licence })}\n`);
    return;
  }
  const rows = factRows(inspected);
  io.out(plainTable(rows.map(([title, value]) => [io.color.bold(title), printableText(value)])));
}

function factRows({ file, card }: InspectedModel): readonly (readonly [string, string])[] {
  const { body, outputHead } = file.parameterCounts;
  return [
    ['path', file.path],
    ['name', file.name ?? '–'],
    ['licence', card?.licence ?? '–'],
    ['architecture', file.architecture],
    ['quantisation', quantisation(file, card)],
    ['parameters, body', count(body)],
    ['parameters, output head', count(outputHead)],
    ['layers', count(file.layerCount)],
    ['hidden size', count(file.hiddenSize)],
    ['vocabulary size', count(file.vocabularySize)],
    ['context length', count(file.contextLengthMax)],
    ['chat template', file.chatTemplate === null ? 'no' : 'yes'],
    ['tensors', count(file.tensorCount)],
    ['bytes', `${count(file.byteCount)} (${formatBytes(file.byteCount)})`],
    ['bytes read per step', `${count(file.weightBytes)} (${formatBytes(file.weightBytes)})`],
    ['cache bytes per token', count(file.kvBytesPerToken)],
  ];
}

/** A recipe such as Q4_K_M mixes types, and a file names only those. */
function quantisation(file: InspectedModel['file'], card: InspectedModel['card']): string {
  const most = file.quantisation ?? '–';
  return card === null ? most : `${card.quantisation} (most bytes: ${most})`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
