/** `pilotfish models list`. */
import { KNOWN_PAIRS } from '../../../catalog/known-pairs.ts';
import { type ListedModel, listModels } from '../../../catalog/list-models.ts';
import type { CliIo } from '../../io.ts';
import { formatBytes } from '../../rendering/format-quantity.ts';
import { plainTable } from '../../rendering/plain-table.ts';
import { printableText } from '../../rendering/printable-text.ts';

export async function listModelsCommand(io: CliIo, json: boolean): Promise<void> {
  const models = await listModels({ env: io.env, signal: io.signal });
  if (json) {
    for (const model of models) io.out(`${JSON.stringify(jsonLine(model))}\n`);
    return;
  }
  const head = ['NAME', 'ROLE', 'SIZE', 'LICENCE', 'STATE', 'PATH'];
  const titles = head.map((title) => io.color.bold(title));
  io.out(plainTable([titles, ...models.map((model) => row(model, io))]));
  for (const { card } of models) {
    if (card !== null && card.licenceNote !== null) {
      io.out(`\n${card.name}: ${card.licenceNote}\n`);
    }
  }
}

function row(model: ListedModel, io: CliIo): string[] {
  return [
    printableText(model.name),
    rolesOf(model.name).join(', ') || '–',
    model.bytes === null ? '–' : formatBytes(model.bytes),
    model.card?.licence ?? '–',
    stateText(model, io),
    printableText(model.path ?? '–'),
  ];
}

function stateText({ state, bytes, bytesOnDisk, isVerified }: ListedModel, io: CliIo): string {
  switch (state) {
    case 'absent':
      return io.color.dim('absent');
    case 'partial': {
      const amount =
        bytes === null ? formatBytes(bytesOnDisk) : `${Math.floor((100 * bytesOnDisk) / bytes)}%`;
      return io.color.yellow(`partial (${amount})`);
    }
    case 'present':
      return io.color.green(isVerified ? 'present' : 'present, not verified');
  }
}

/** Such as `small of qwen2.5-coder`. */
function rolesOf(name: string): readonly string[] {
  return KNOWN_PAIRS.flatMap((pair) => [
    ...(pair.small === name ? [`small of ${pair.name}`] : []),
    ...(pair.large === name ? [`large of ${pair.name}`] : []),
  ]);
}

function jsonLine({ card, ...model }: ListedModel): Readonly<Record<string, unknown>> {
  return {
    type: 'model',
    ...model,
    pairs: KNOWN_PAIRS.flatMap((pair) => [
      ...(pair.small === model.name ? [{ pair: pair.name, role: 'small' }] : []),
      ...(pair.large === model.name ? [{ pair: pair.name, role: 'large' }] : []),
    ]),
    sha256: card?.sha256 ?? null,
    quantisation: card?.quantisation ?? null,
    licence: card?.licence ?? null,
    licenceNote: card?.licenceNote ?? null,
  };
}
