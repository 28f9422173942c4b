/** Advice for people: one table for each place of the large model, and the meaning of the numbers. */

import wrapAnsi from 'wrap-ansi';
import type { AdviceReport, AdvisedServer, PlacedAdvice } from '../../app/advice/advice-report.ts';
import {
  type Advice,
  type Billing,
  FACES,
  type Face,
  type FaceAdvice,
  type PayingRange,
} from '../../machines/advise.ts';
import type { CurvePoint } from '../../machines/machine-profile.ts';
import type { CliIo } from '../io.ts';
import { formatRatio } from './format-quantity.ts';
import { plainTable } from './plain-table.ts';
import { printableText } from './printable-text.ts';
import { profileText } from './render-recosted.ts';
import { formatMs } from './render-step-costs.ts';

const FACE_TITLES: Readonly<Record<Face, string>> = {
  time: 'time',
  weightTraffic: 'bytes',
  writtenFlops: 'writ.',
  generatedFlops: 'gen.',
  processedFlops: 'proc.',
  price: 'price',
};

export function renderAdvice(report: AdviceReport, columns: number, color: CliIo['color']): string {
  const { models, profile, promptTokenCount, answerTokenCount, places } = report;
  const head =
    `small ${printableText(models.small.name)}, large ${printableText(models.large.name)}\n` +
    `prompts of ${promptTokenCount} tokens, answers of ${answerTokenCount}\n` +
    `machine ${printableText(profile.name)}: ${profileText(profile)}\n`;
  const measured = report.server === null ? '' : `${renderServer(report.server)}\n`;
  const tables = places.map((place) => `\n${renderPlace(place, color)}`).join('');
  return `${head}${measured}${tables}\n${wrapAnsi(notes(report), Math.max(40, columns))}\n`;
}

/** What was measured there, in milliseconds. */
function renderServer({ engine, host, version, times, costs }: AdvisedServer): string {
  const points = (of: readonly CurvePoint[], before: string): string =>
    of.length === 0
      ? ''
      : `  ${before}: ${of.map(({ rowCount, ms }) => `${rowCount} in ${formatMs(ms)}`).join(', ')}\n`;
  const of = printableText(`${engine} ${version ?? ''}`.trim());
  return (
    `server ${of} at ${printableText(host)}, measured, in ms:\n` +
    `  a streamed token ${formatMs(times.tokenMs)}, ` +
    `round trip of a call ${formatMs(costs.roundTripMs)}\n` +
    points(times.calls, 'calls for one token, by new tokens of the text') +
    points(times.batches, 'calls for several prefixes') +
    `  reading a token ${formatMs(costs.readMs)}; a text that it has read before ` +
    `${PREFIX_WORDS[String(costs.keepsPrefix) as keyof typeof PREFIX_WORDS]}\n`
  );
}

const PREFIX_WORDS = {
  true: 'is kept',
  false: 'is read again',
  null: 'may be kept (reading costs too little to tell)',
};

function renderPlace(placed: PlacedAdvice, color: CliIo['color']): string {
  const { strategies } = placed;
  // Without prices, or sizes of the large model, there is nothing to compare.
  const faces = FACES.filter((face) => strategies.some((one) => one.faces[face].ratio !== null));
  const faceTitles = faces.map((face) => FACE_TITLES[face]);
  const ratios = [
    ['costs', 'with', ...faceTitles].map((text) => color.bold(text)),
    ...strategies.map((advice) => [
      advice.name,
      valueText(advice),
      ...faces.map((face) => faceText(advice.faces[face], color)),
    ]),
  ];
  const ranges = [
    ['pays', 'at its', ...faceTitles, 'network'].map((text) => color.bold(text)),
    ...strategies
      .filter(({ parameter, roundTripRange }) => parameter !== null || roundTripRange !== null)
      .map((advice) => [
        advice.name,
        parameterText(advice),
        ...faces.map((face) => parameterRangeText(advice, face)),
        rangeText(advice.roundTripRange, ROUND_TRIP_END_MS, (ms) => `${formatMs(ms)} ms`),
      ]),
  ];
  return `${color.bold(titleOf(placed))}\n${plainTable(ratios)}\n${plainTable(ranges)}`;
}

function titleOf({ place, roundTripMs, largeProfile }: PlacedAdvice): string {
  if (place === 'local') return 'The large model on the same machine';
  const where = `${formatMs(roundTripMs)} ms away, on ${printableText(largeProfile.name)}`;
  const predicted = largeProfile.kind === 'predicted' ? ' (predicted)' : '';
  return `The large model ${where}${predicted}`;
}

function valueText({ parameter, value, note }: Advice): string {
  if (parameter === null) return note ?? '';
  if (value === null) return '';
  return note === null ? formatRatio(value) : `${formatRatio(value)}, ${note}`;
}

function faceText({ ratio, pays }: FaceAdvice, color: CliIo['color']): string {
  const text = formatRatio(ratio);
  return pays ? color.green(text) : text;
}

function parameterText({ parameter }: Advice): string {
  if (parameter === null) return '';
  return parameter === 'share' ? 'share' : 'acceptance';
}

function parameterRangeText({ parameter, faces }: Advice, face: Face): string {
  return parameter === null ? '' : rangeText(faces[face].range, 1, formatRatio);
}

/** A longer round trip counts as unlimited. */
const ROUND_TRIP_END_MS = 9_900;

/** `<0.12`, `>0.63`, `0.10 to 0.40`, `always`, `never`. */
function rangeText(
  range: PayingRange | null,
  end: number,
  format: (value: number) => string,
): string {
  if (range === null) return 'never';
  const [isFromStart, isToEnd] = [range.from === 0, range.to >= end];
  if (isFromStart && isToEnd) return 'always';
  if (isFromStart) return `<${format(range.to)}`;
  return isToEnd ? `>${format(range.from)}` : `${format(range.from)} to ${format(range.to)}`;
}

function notes(report: AdviceReport): string {
  const { profile, statistics, lookup, prices, billing, server, unavailable } = report;
  const hasPrices = prices.small !== null || prices.large !== null;
  return [
    'Ratios are to the large model alone for the same answer: below 1 costs less. Bytes: of weights',
    'that forwards read. FLOPs: writ. of tokens that a model wrote, gen. of tokens written or',
    'scored, proc. of all rows, catch-up included. Network: the round trip to the large model at',
    'which it pays in time.',
    lookup === null
      ? 'Prompt lookup is left out, because its statistics are unknown: give --lookup.'
      : 'Found: share of the tokens where prompt lookup finds a draft.',
    'No number here is about quality: only speculation keeps the answers of the large model.',
    ...(hasPrices ? [BILLING_NOTES[billing]] : []),
    ...(statistics === null
      ? []
      : ['Shares and acceptances that were not given come from a few built-in prompts.']),
    ...(server === null ? [] : [SERVER_NOTE]),
    ...(unavailable.length === 0
      ? []
      : [`Not available with this server: ${unavailable.join(', ')}.`]),
    ...(profile.kind === 'predicted'
      ? ['Times are PREDICTED from a data sheet: right in order of magnitude.']
      : []),
  ].join(' ');
}

const SERVER_NOTE =
  'The server was measured with greedy calls, one at a time, and texts of a hundred tokens or so. ' +
  'Presumed are: no other load there, as much time per token for longer texts, and no drafts ahead ' +
  '(--uplink-ahead).';

const BILLING_NOTES: Readonly<Record<Billing, string>> = {
  kept:
    'Price: for a server that keeps the sequence and bills every row once. For an API that bills ' +
    'the whole text at every call, give --billing per-call.',
  'per-call':
    'Price: for an API that keeps nothing and bills the whole text again at every call of the ' +
    'large model.',
};
