/** A run and its costs as a block of lines. */
import wrapAnsi from 'wrap-ansi';
import type { Origin, SummaryEvent } from '../../core/events.ts';
import type { FinishReason } from '../../core/finish-reason.ts';
import { labelOf } from '../../core/model-id.ts';
import { type Answer, tokensPerSecond } from './answer.ts';
import {
  formatBytes,
  formatFlops,
  formatRate,
  formatRatio,
  formatSeconds,
  formatShare,
} from './format-quantity.ts';
import { printableText } from './printable-text.ts';

const LABEL_WIDTH = 17;
const TEXT_WIDTH_MIN = 20;

const FINISHED: Readonly<Record<FinishReason, string>> = {
  'end-of-generation': 'the model ended its answer',
  'stop-string': 'a stop text appeared',
  'token-limit': 'the token limit was reached (--max-tokens, or one of the server)',
  'context-limit': 'the context window is full (--context)',
};

const ORIGINS: readonly Origin[] = ['small', 'large', 'prompt-lookup'];

/** The tokens by their origin: `60: small 45, large 15`. */
function writers({ tokens, start, summary }: Answer): string {
  const counts = new Map<Origin, number>();
  for (const { origin } of tokens) counts.set(origin, (counts.get(origin) ?? 0) + 1);
  const isLoaded = (origin: Origin): boolean =>
    origin !== 'prompt-lookup' && start.labels[origin] !== undefined;
  const parts = ORIGINS.filter((origin) => counts.has(origin) || isLoaded(origin)).map(
    (origin) => `${origin} ${counts.get(origin) ?? 0}`,
  );
  return `${summary.tokenCount}: ${parts.join(', ')}`;
}

/** `0.41 of large alone (12.3 GB)`, or only the amount if there is no large model. */
function cost(ratio: number | null, amount: string): string {
  return ratio === null ? amount : `${formatRatio(ratio)} of large alone (${amount})`;
}

/** Those of a fit have all digits of a double. */
const THRESHOLD_DIGITS = 6;

/** The strategy with its threshold, given or default. */
function strategyText({ start }: Pick<Answer, 'start'>): string {
  const thresholds = Object.values(start.thresholds);
  const shown = thresholds.map((value) => Number(value.toPrecision(THRESHOLD_DIGITS)));
  return [start.strategy, ...shown].join('@');
}

/** `46.0% (20.0% asked for)`, or the share alone. */
function largeShare({ largeShare: got, askedShare, stepCount }: SummaryEvent): string {
  return `${formatShare(got)}${stepCount === null ? asked(askedShare) : ''}`;
}

/**
 * `8, 25% rejected (5% asked for)`, for strategies that decide about steps: the large model wrote those
 * instead.
 */
function steps({
  stepCount,
  rejectedShare,
  askedShare,
}: SummaryEvent): (readonly [string, string])[] {
  if (stepCount === null || rejectedShare === null) return [];
  const rejected = `${formatShare(rejectedShare)} rejected${asked(askedShare)}`;
  return [['steps', `${stepCount}, ${rejected}`]];
}

/** Of hybrid inference: what the large model verified or wrote, it was asked for. */
function transmitted({ start, summary }: Answer): (readonly [string, string])[] {
  if (start.unit !== 'draft') return [];
  const share = summary.largeShare + summary.verifiedShare;
  return [['transmitted', `${formatShare(share)} of the drafts`]];
}

function asked(share: number | undefined): string {
  return share === undefined ? '' : ` (${formatShare(share)} asked for)`;
}

/** The amount is in the currency of the user's prices, which is unknown here. */
function price({ start, summary }: Answer): string {
  const { price: amount, priceRatio } = summary;
  const days = Object.values(start.models).flatMap(({ prices }) => prices?.asOf ?? []);
  const asOf = days.length === 0 ? '' : `, prices of ${[...new Set(days)].join(' and ')}`;
  return `${cost(priceRatio, (amount ?? 0).toPrecision(3))}${asOf}`;
}

function time({ summary }: Answer): string {
  const whole = formatSeconds(summary.elapsedMs);
  if (summary.firstTokenMs === null) return whole;
  return `${whole}, first token after ${formatSeconds(summary.firstTokenMs)}`;
}

/** `small 60, large 12`: always the pair, then other models. */
function forwards({ start: { labels }, summary }: Answer): string {
  const others = Object.entries(summary.models)
    .filter(([id]) => id !== labels.small && id !== labels.large)
    .map(([id, { forwardCount }]) => `${labelOf(labels, id) ?? id} ${forwardCount}`);
  return [`small ${summary.smallForwards}`, `large ${summary.largeForwards}`, ...others].join(', ');
}

/** Of a model behind an API nobody may know the size. */
function isSizeKnown({ start, summary }: Answer): boolean {
  return Object.entries(summary.models).every(
    ([id, { forwardCount }]) => forwardCount === 0 || (start.models[id]?.weightBytes ?? 0) > 0,
  );
}

function compute(summary: SummaryEvent): (readonly [string, string])[] {
  return [
    ['weight traffic', cost(summary.weightTrafficRatio, formatBytes(summary.weightTrafficBytes))],
    ['written FLOPs', cost(summary.writtenFlopsRatio, formatFlops(summary.writtenFlops))],
    ['generated FLOPs', cost(summary.generatedFlopsRatio, formatFlops(summary.generatedFlops))],
    ['processed FLOPs', cost(summary.processedFlopsRatio, formatFlops(summary.processedFlops))],
  ];
}

/** `12 calls, 3,400 tokens in (3,100 cached), 12 out`: what the server of the large model bills. */
function billed({ start: { labels }, summary }: Answer): (readonly [string, string])[] {
  const bill = labels.large === undefined ? null : (summary.models[labels.large]?.billed ?? null);
  if (bill === null) return [];
  const { callCount, inputCount, cachedCount, outputCount } = bill;
  const count = (value: number): string => value.toLocaleString('en-GB');
  const calls = callCount === 1 ? '1 call' : `${count(callCount)} calls`;
  const cached = cachedCount === 0 ? '' : ` (${count(cachedCount)} cached)`;
  return [
    ['billed', `${calls}, ${count(inputCount)} tokens in${cached}, ${count(outputCount)} out`],
  ];
}

function rows(answer: Answer): (readonly [label: string, text: string])[] {
  const { summary } = answer;
  const shares = `${largeShare(summary)}, verified ${formatShare(summary.verifiedShare)}`;
  const linkBytes = `${formatBytes(summary.linkBytesUp)} up, ${formatBytes(summary.linkBytesDown)} down`;
  return [
    ['strategy', strategyText(answer)],
    ['tokens', writers(answer)],
    ['large share', shares],
    ...transmitted(answer),
    ...steps(summary),
    ['forwards', forwards(answer)],
    ...(isSizeKnown(answer) ? compute(summary) : []),
    ...billed(answer),
    ...(summary.linkBytesUp + summary.linkBytesDown > 0 ? [['link', linkBytes] as const] : []),
    ...(summary.price === null ? [] : [['price', price(answer)] as const]),
    ['time', time(answer)],
    ['speed', `${formatRate(tokensPerSecond(summary))} tokens/s`],
    ['end', FINISHED[summary.finishReason]],
    ...summary.notes.map((note) => ['note', note] as const),
  ];
}

/** Lines of at most `columns` cells (but not too narrow to read), each ended. */
export function renderSummary(answer: Answer, columns: number): string {
  const width = Math.max(TEXT_WIDTH_MIN, columns - LABEL_WIDTH);
  return rows(answer)
    .map(([label, text]) => {
      const lines = wrapAnsi(printableText(text), width, { hard: true }).split('\n');
      return `${label.padEnd(LABEL_WIDTH)}${lines.join(`\n${' '.repeat(LABEL_WIDTH)}`)}\n`;
    })
    .join('');
}

/** The same in one line, for every turn of a conversation. */
export function renderSummaryLine({ start, summary }: Answer): string {
  const traffic = summary.weightTrafficRatio;
  return [
    `${strategyText({ start })}: ${summary.tokenCount} tokens`,
    `${largeShare(summary)} large`,
    ...(summary.verifiedShare > 0 ? [`${formatShare(summary.verifiedShare)} verified`] : []),
    ...steps(summary).map(([, text]) => `steps ${text}`),
    ...(traffic === null ? [] : [`weight traffic ${formatRatio(traffic)} of large alone`]),
    formatSeconds(summary.elapsedMs),
    `${formatRate(tokensPerSecond(summary))} tokens/s`,
    ...(summary.finishReason === 'end-of-generation' ? [] : [FINISHED[summary.finishReason]]),
  ].join(' · ');
}
