/** Schemes over a link as a table: speed, bytes of a message, and where the time of a token goes. */
import type { MeasuredLink, SchemeSpeed } from '../../app/measure-link.ts';
import type { CliIo } from '../io.ts';
import { formatBytes, formatRate, formatShare } from './format-quantity.ts';
import { plainTable } from './plain-table.ts';
import { printableText } from './printable-text.ts';
import { formatMs } from './render-step-costs.ts';

const TITLES = ['scheme', 'tokens/s', 'sent', 'up', 'down', 'device', 'hub', 'link'];

export function renderLink(measured: MeasuredLink, color: CliIo['color']): string {
  const { schemes, title } = measured;
  const rows = schemes.map(rowOf);
  const lines = [TITLES.map((one) => color.bold(one)), ...rows];
  return (
    `${color.bold(printableText(title))}, ${printableText(linkText(measured))}\n` +
    `${plainTable(lines, 'right')}` +
    'sent: messages to the hub for each token. up, down: bytes of a message with its WebSocket ' +
    'header. device, hub, link: milliseconds of a token, computed here and COMPUTED for the link.\n'
  );
}

function rowOf(scheme: SchemeSpeed): string[] {
  const { name, time } = scheme;
  const bytes = (count: number | null): string => (count === null ? '–' : formatBytes(count));
  return [
    printableText(name),
    formatRate(scheme.tokensPerSecond),
    formatShare(scheme.transmittedShare),
    bytes(scheme.upBytes),
    bytes(scheme.downBytes),
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
