/** Advice for people: one table for each place of the large model, and what the numbers mean. */

import wrapAnsi from 'wrap-ansi';
import {
  type Advice,
  FACES,
  type Face,
  type FaceAdvice,
  type PayingRange,
} from '../../cost/advise.ts';
import type { CostParameter } from '../../cost/cost-model.ts';
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
  weightTraffic: 'weights read',
  generatedFlops: 'FLOPs written',
  processedFlops: 'FLOPs in all',
  price: 'price',
};

const PARAMETER_NAMES: Readonly<Record<CostParameter, string>> = {
  share: 'share',
  acceptance: 'acceptance',
  'lookup-acceptance': 'acceptance',
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
    `small ${printableText(small.name)}, large ${printableText(large.name)}; ` +
    `prompts of ${context.promptTokens} tokens, answers of ${context.answerTokens}\n` +
    `machine ${printableText(context.profile.name)}: ${profileText(context.profile)}\n`;
  const tables = places.map((place) => `\n${renderPlace(place, color)}`).join('');
  return `${head}${tables}\n${wrapAnsi(notes(context), Math.max(40, columns))}\n`;
}

function renderPlace(placed: PlacedAdvice, color: CliIo['color']): string {
  const { strategies } = placed;
  const hasPrice = strategies.some(({ faces }) => faces.price.ratio !== null);
  const faces = FACES.filter((face) => face !== 'price' || hasPrice);
  const head = ['strategy', 'with', ...faces.map((face) => FACE_TITLES[face]), 'in time it pays'];
  const rows = strategies.map((advice) => [
    advice.name,
    valueText(advice),
    ...faces.map((face) => faceText(advice.faces[face], color)),
    whereText(advice),
  ]);
  const title = color.bold(titleOf(placed));
  const table = plainTable([head.map((text) => color.bold(text)), ...rows]);
  return `${title}\n${table}${breakEvens(strategies, faces)}`;
}

function titleOf({ place, roundTripMs, largeProfile }: PlacedAdvice): string {
  if (place === 'local') return 'The large model on the same machine';
  const where = `${formatMs(roundTripMs)} ms away, on ${printableText(largeProfile.name)}`;
  const predicted = largeProfile.kind === 'predicted' ? ' (predicted)' : '';
  return `The large model ${where}${predicted}`;
}

function valueText({ parameter, value, note }: Advice): string {
  if (parameter === null || value === null) return '';
  const text = `${PARAMETER_NAMES[parameter]} ${value.toFixed(2)}`;
  return note === null ? text : `${text}, ${note}`;
}

function faceText({ ratio, pays }: FaceAdvice, color: CliIo['color']): string {
  const text = formatRatio(ratio);
  return pays ? color.green(text) : text;
}

function whereText(advice: Advice): string {
  const { parameter, faces } = advice;
  if (parameter === null) return faces.time.pays ? 'yes' : '–';
  const where = rangeText(faces.time.range, PARAMETER_NAMES[parameter], formatRatio);
  return advice.faces.time.pays ? `yes, ${where}` : `no, ${where}`;
}

/** Where the other faces and the round trip begin to pay. */
function breakEvens(strategies: readonly Advice[], faces: readonly Face[]): string {
  const lines = strategies.flatMap((advice) => {
    const { parameter, name } = advice;
    if (parameter === null) return [];
    const others = faces
      .filter((face) => face !== 'time')
      .map((face) => {
        const where = rangeText(advice.faces[face].range, PARAMETER_NAMES[parameter], formatRatio);
        return `${FACE_TITLES[face]} ${where}`;
      });
    const trip = rangeText(advice.roundTripRange, 'round trip', (ms) => `${formatMs(ms)} ms`);
    return [`  ${name}: ${others.join('; ')}; time, by the network, ${trip}\n`];
  });
  return `it pays in\n${lines.join('')}`;
}

const ROUND_TRIP_END_MS = 10_000;

/** `below 0.12`, `above 0.63`, `between 0.1 and 0.4`, `always`, `never`. */
function rangeText(
  range: PayingRange | null,
  name: string,
  format: (value: number) => string,
): string {
  if (range === null) return `at no ${name}`;
  const end = name === 'round trip' ? ROUND_TRIP_END_MS * 0.99 : 1;
  const [isFromStart, isToEnd] = [range.from === 0, range.to >= end];
  if (isFromStart && isToEnd) return `at any ${name}`;
  if (isFromStart) return `below a ${name} of ${format(range.to)}`;
  if (isToEnd) return `above a ${name} of ${format(range.from)}`;
  return `at a ${name} from ${format(range.from)} to ${format(range.to)}`;
}

function notes({ profile, behaviour }: AdviceContext): string {
  return [
    'Ratios are to the large model alone for the same answer: below 1 costs less.',
    'They say nothing about how good the answers are: only speculation keeps those of large.',
    ...(behaviour === null
      ? []
      : ['Shares and acceptances that were not given come from three short built-in prompts.']),
    ...(profile.kind === 'predicted'
      ? ['Times are PREDICTED from a data sheet: right in order of magnitude.']
      : []),
  ].join(' ');
}
