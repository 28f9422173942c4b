/** Advice for people: one table for each place of the large model, and what the numbers mean. */

import wrapAnsi from 'wrap-ansi';
import {
  type Advice,
  FACES,
  type Face,
  type FaceAdvice,
  type PayingRange,
} from '../../cost/advise.ts';
import type { AdviceInputs } from '../../prepare-advice.ts';
import type { PlacedAdvice } from '../commands/advise.ts';
import type { CliIo } from '../io.ts';
import { formatRatio } from './format-quantity.ts';
import { plainTable } from './plain-table.ts';
import { printableText } from './printable-text.ts';
import { profileText } from './render-recosted.ts';
import { formatMs } from './render-step-costs.ts';

const FACE_TITLES: Readonly<Record<Face, string>> = {
  time: 'time',
  weightTraffic: 'weights',
  generatedFlops: 'written',
  processedFlops: 'FLOPs',
  price: 'price',
};

export interface AdviceContext extends Pick<AdviceInputs, 'models' | 'profile' | 'behaviour'> {
  readonly promptTokens: number;
  readonly answerTokens: number;
}

export function renderAdvice(
  places: readonly PlacedAdvice[],
  context: AdviceContext,
  columns: number,
  color: CliIo['color'],
): string {
  const { small, large } = context.models;
  const head =
    `small ${printableText(small.name)}, large ${printableText(large.name)}\n` +
    `prompts of ${context.promptTokens} tokens, answers of ${context.answerTokens}\n` +
    `machine ${printableText(context.profile.name)}: ${profileText(context.profile)}\n`;
  const tables = places.map((place) => `\n${renderPlace(place, color)}`).join('');
  return `${head}${tables}\n${wrapAnsi(notes(context), Math.max(40, columns))}\n`;
}

function renderPlace(placed: PlacedAdvice, color: CliIo['color']): string {
  const { strategies } = placed;
  const hasPrice = strategies.some(({ faces }) => faces.price.ratio !== null);
  const faces = FACES.filter((face) => face !== 'price' || hasPrice);
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
    ['pays', 'where its', ...faceTitles, 'network'].map((text) => color.bold(text)),
    ...strategies
      .filter(({ parameter }) => parameter !== null)
      .map((advice) => [
        advice.name,
        advice.parameter === 'share' ? 'share is' : 'acceptance is',
        ...faces.map((face) => rangeText(advice.faces[face].range, 1, formatRatio)),
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
  if (parameter === null || value === null) return '';
  return note === null ? formatRatio(value) : `${formatRatio(value)}, ${note}`;
}

function faceText({ ratio, pays }: FaceAdvice, color: CliIo['color']): string {
  const text = formatRatio(ratio);
  return pays ? color.green(text) : text;
}

/** Beyond it a network is taken for endless. */
const ROUND_TRIP_END_MS = 9_900;

/** `< 0.12`, `> 0.63`, `0.10 to 0.40`, `always`, `never`. */
function rangeText(
  range: PayingRange | null,
  end: number,
  format: (value: number) => string,
): string {
  if (range === null) return 'never';
  const [isFromStart, isToEnd] = [range.from === 0, range.to >= end];
  if (isFromStart && isToEnd) return 'always';
  if (isFromStart) return `< ${format(range.to)}`;
  return isToEnd ? `> ${format(range.from)}` : `${format(range.from)} to ${format(range.to)}`;
}

function notes({ profile, behaviour }: AdviceContext): string {
  return [
    'Ratios are to the large model alone for the same answer: below 1 costs less. Written: FLOPs of',
    'tokens written or scored; FLOPs: of all rows, catch-up included. Network: the round trip to the',
    'large model at which it pays in time. None of this says how good the answers are: only',
    'speculation keeps those of large.',
    ...(behaviour === null
      ? []
      : ['Shares and acceptances that were not given come from three short built-in prompts.']),
    ...(profile.kind === 'predicted'
      ? ['Times are PREDICTED from a data sheet: right in order of magnitude.']
      : []),
  ].join(' ');
}
