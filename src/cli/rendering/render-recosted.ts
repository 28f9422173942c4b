/** A re-costed run: milliseconds by model and purpose, the sum, and the large model alone. */

import type { Recosted, RecostedRun } from '../../app/recost.ts';
import { labelOf } from '../../core/model-id.ts';
import type { MachineProfile } from '../../machines/machine-profile.ts';
import type { CliIo } from '../io.ts';
import { formatRatio, formatSeconds } from './format-quantity.ts';
import { plainTable } from './plain-table.ts';
import { printableText } from './printable-text.ts';
import { formatMs } from './render-step-costs.ts';

export function renderRecosted(recosted: Recosted, color: CliIo['color']): string {
  const { profile, runs } = recosted;
  const head = `${color.bold(printableText(profile.name))}: ${profileText(profile)}\n`;
  return `${head}${runs.map((run) => `\n${renderRun(run, recosted, color)}`).join('')}`;
}

/** The machine of a profile. A prediction is marked as such. */
export function profileText(profile: MachineProfile): string {
  if (profile.kind === 'predicted') {
    return printableText(`${profile.title}, PREDICTED from its data sheet, not measured`);
  }
  const { processor, processorCount, library } = profile.machine;
  const quick = profile.models.some((model) => model.isQuick) ? ', measured quickly' : ', measured';
  const processors = `${processorCount} ${processorCount === 1 ? 'processor' : 'processors'}`;
  return printableText(`${processor}, ${processors}, library ${library}${quick}`);
}

function renderRun(run: RecostedRun, { roundTripMs }: Recosted, color: CliIo['color']): string {
  const titles = ['model', 'for', 'forwards', 'rows', 'time', 'share'];
  const share = (ms: number): string => `${((100 * ms) / Math.max(run.ms, 1e-9)).toFixed(0)} %`;
  const rows = run.parts.map((part) => [
    printableText(labelOf(run.labels, part.model) ?? part.model),
    printableText(part.purpose),
    String(part.forwardCount),
    String(part.rowCount),
    `${formatMs(part.ms)} ms`,
    share(part.ms),
  ]);
  const network = [
    'network',
    `${formatMs(roundTripMs)} ms a call`,
    '',
    '',
    `${formatMs(run.networkMs)} ms`,
    share(run.networkMs),
  ];
  const lines = [
    titles.map((title) => color.bold(title)),
    ...rows,
    ...(run.networkMs > 0 ? [network] : []),
  ];
  return `${headOf(run, color)}\n${plainTable(lines)}${totals(run)}`;
}

function headOf({ name, strategy, tokenCount }: RecostedRun, color: CliIo['color']): string {
  return `${color.bold(printableText(name ?? strategy))}, ${tokenCount} tokens`;
}

function totals({ ms, largeAloneMs, recordedMs, recordedComputeMs }: RecostedRun): string {
  const alone =
    largeAloneMs === null || largeAloneMs === 0
      ? ''
      : `, ${formatRatio(ms / largeAloneMs)} of large alone there (${formatSeconds(largeAloneMs)})`;
  const recorded = recordedMs === null ? 'unfinished' : `in ${formatSeconds(recordedMs)}`;
  return (
    `together ${formatSeconds(ms)}${alone}\n` +
    `recorded ${recorded}, of which forwards ${formatSeconds(recordedComputeMs)}\n`
  );
}
