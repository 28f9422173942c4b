/** Schemes over a link as a table: speed, bytes of a message, and where the time of a token goes. */
import type { MeasuredLink, SchemeSpeed } from '../../app/measure-link.ts';
import type { CliIo } from '../io.ts';
import { formatBytes, formatShare } from './format-quantity.ts';
import { plainTable } from './plain-table.ts';
import { printableText } from './printable-text.ts';
import { formatMs } from './render-step-costs.ts';

const TITLES = ['scheme', 'tokens/s', 'sent', 'up', 'down', 'device', 'hub', 'link'];

const FOOTNOTES =
  'sent: messages to the hub for each token; up, down: their bytes, with WebSocket headers.\n' +
  'device, hub, link: milliseconds of a token. The time on the link is computed from bytes,\n' +
  'round trip and rate; lines "measured" are of a run over an emulated link.\n';

export function renderLink(measured: MeasuredLink, color: CliIo['color']): string {
  const { schemes, title, machines } = measured;
  const rows = schemes.flatMap((scheme) => [
    rowOf(scheme.name, scheme),
    ...(scheme.emulated === null ? [] : [rowOf('  measured', scheme.emulated)]),
  ]);
  const lines = [TITLES.map((one) => color.bold(one)), ...rows];
  return (
    `${color.bold(printableText(title))}, ${printableText(linkText(measured))}\n` +
    (machines === null ? '' : `${printableText(machines)}\n`) +
    `${plainTable(lines, 'named')}` +
    FOOTNOTES +
    interfaceText(measured)
  );
}

/** The bytes of all messages, and those on the interface beside what its packets predict. */
function interfaceText({ schemes, emulation }: MeasuredLink): string {
  const rows = schemes.flatMap(({ name, emulated }) => {
    if (emulated === null || emulated.onInterface === null) return [];
    const { up, down } = emulated.onInterface;
    return [['up', up] as const, ['down', down] as const].map(
      ([way, { messageBytes, packets, bytes, predictedBytes }]) => [
        `${printableText(name)} ${way}`,
        ...[messageBytes, packets, predictedBytes, bytes].map(String),
      ],
    );
  });
  const how = emulation === null ? '' : `\nEmulated: ${printableText(emulation)}.\n`;
  if (rows.length === 0) return how;
  const titles = ['bytes', 'messages', 'packets', 'predicted', 'interface'];
  return `${how}${plainTable([titles, ...rows], 'named')}`;
}

type Row = Pick<SchemeSpeed, 'time' | 'transmittedShare' | 'upBytes' | 'downBytes'>;

function rowOf(name: string, row: Row): string[] {
  const { time } = row;
  const bytes = (count: number | null): string => (count === null ? '–' : formatBytes(count));
  return [
    printableText(name),
    formatMs(1000 / time.ms),
    formatShare(row.transmittedShare),
    bytes(row.upBytes),
    bytes(row.downBytes),
    ...[time.deviceMs, time.hubMs, time.linkMs].map(formatMs),
  ];
}

function linkText({ roundTripMs, upRate, downRate, radio }: MeasuredLink): string {
  const trip = `round trip ${formatMs(roundTripMs)} ms`;
  if (radio !== null) {
    const fading =
      radio.coherenceMs === null ? 'no fading' : `fading in blocks of ${radio.coherenceMs} ms`;
    return `${trip}, radio of ${radio.bandwidthHz / 1e6} MHz at ${radio.snrDb} dB, ${fading}`;
  }
  const rate = (bits: number): string => `${bits / 1e6} Mbit/s`;
  return upRate === downRate
    ? `${trip}, ${rate(upRate)}`
    : `${trip}, ${rate(upRate)} up, ${rate(downRate)} down`;
}
