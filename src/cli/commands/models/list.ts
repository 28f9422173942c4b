/** `pilotfish models list`. */
import { listModels, type PairedModel } from '../../../app/models.ts';
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

function row(model: PairedModel, io: CliIo): string[] {
  return [
    printableText(model.name),
    model.pairs.map(({ pair, role }) => `${role} of ${pair}`).join(', ') || '–',
    model.bytes === null ? '–' : formatBytes(model.bytes),
    model.card?.licence ?? '–',
    stateText(model, io),
    printableText(model.path ?? '–'),
  ];
}

function stateText({ state, bytes, bytesOnDisk, isVerified }: PairedModel, io: CliIo): string {
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

function jsonLine({ card, pairs, ...model }: PairedModel): Readonly<Record<string, unknown>> {
  return {
    type: 'model',
    ...model,
    pairs,
    sha256: card?.sha256 ?? null,
    quantisation: card?.quantisation ?? null,
    licence: card?.licence ?? null,
    licenceNote: card?.licenceNote ?? null,
  };
}
