/** What gates know: how scores lie where the models agree and differ, and how often they differ. */
import type { TopLevelSpec } from 'vega-lite';
import type { EvaluationResult, GateBin, GateEvidence } from '../../evaluation/results.ts';
import { AGREE, DIFFER, INK, MUTED } from '../strategy-styles.ts';
import { wilson95 } from '../wilson.ts';
import { listed, percent, percentRange, short } from '../wording.ts';
import { type Picture, subtitleOf } from './picture.ts';
import { THEME } from './theme.ts';

type Panel = Extract<TopLevelSpec, { readonly concat: unknown }>['concat'][number];

const PANEL = { width: 360, height: 250 } as const;
const COLUMN_COUNT = 2;
/** Bins whose widths differ by less are drawn as equally wide. */
const WIDTH_TOLERANCE = 0.01;

const CLASSES = [
  { name: 'models agree', count: ({ agreeCount }: GateBin): number => agreeCount },
  { name: 'models differ', count: ({ differCount }: GateBin): number => differCount },
] as const;

export function scoresPicture(result: EvaluationResult): Picture {
  const title = "Gates' scores where the models agree and where they differ";
  return {
    name: 'scores',
    title,
    alt:
      `Histograms of the scores of ${listed(gateNames(result))}, apart by whether both models ` +
      'would write the same token. The numbers follow as a table.',
    spec: concat(result, title, SCORES_NOTE, shownGates(result).map(scorePanel)),
    numbers: {
      caption: title,
      textColumnCount: 2,
      columns: ['gate', 'score', 'agree', 'differ'],
      rows: shownGates(result).flatMap((gate) =>
        gate.bins.map((bin) => [
          gate.gate,
          binText(bin),
          String(bin.agreeCount),
          String(bin.differCount),
        ]),
      ),
    },
  };
}

const SCORES_NOTE =
  'Left: kept by the small model first; right: sent to the large model first. Each class adds up to 100 %.';

export function calibrationPicture(result: EvaluationResult): Picture {
  const title = 'How often the models differ, by score';
  return {
    name: 'calibration',
    title,
    alt:
      `Share of tokens on which the models differ, by score bins of ${listed(gateNames(result))}. ` +
      'The numbers follow as a table.',
    spec: concat(result, title, CALIBRATION_NOTE, shownGates(result).map(calibrationPanel)),
    numbers: {
      caption: title,
      textColumnCount: 2,
      columns: ['gate', 'score', 'tokens', 'differ', '95 % interval'],
      rows: shownGates(result).flatMap((gate) =>
        calibration(gate).map(({ bin, count, share, low, high }) => [
          gate.gate,
          binText(bin),
          String(count),
          percent(share),
          percentRange(low, high),
        ]),
      ),
    },
  };
}

const CALIBRATION_NOTE =
  'Whiskers: 95 % intervals (Wilson). Dashed: all tokens. A gate that knows nothing stays on it.';

/** Gates with a token at all. */
export function shownGates({ gates }: EvaluationResult): GateEvidence[] {
  return gates.filter(({ bins }) => bins.some((bin) => tokenCountOf(bin) > 0));
}

function gateNames(result: EvaluationResult): string[] {
  return shownGates(result).map(({ gate }) => gate);
}

function tokenCountOf({ agreeCount, differCount }: GateBin): number {
  return agreeCount + differCount;
}

function binText({ from, to }: GateBin): string {
  return `${short(from)} to ${short(to)}`;
}

function concat(
  result: EvaluationResult,
  title: string,
  note: string,
  panels: Panel[],
): TopLevelSpec {
  return {
    config: THEME,
    title: { text: title, subtitle: [subtitleOf(result), note] },
    concat: panels,
    columns: COLUMN_COUNT,
    spacing: { row: 36, column: 44 },
  };
}

function panelTitle({ gate, auc, bins }: GateEvidence) {
  const tokens = bins.reduce((sum, bin) => sum + tokenCountOf(bin), 0);
  const known = auc === null ? '' : `, AUC ${auc.toFixed(3)}`;
  const text = `${gate}: ${tokens.toLocaleString('en')} tokens${known}`;
  return { text, fontSize: 14, offset: 8 };
}

/** Scores from left to right in the order in which they are sent; margins fall. */
function scoreAxis({ gate, bins }: GateEvidence) {
  const ends = bins.flatMap(({ from, to }) => [from, to]);
  const [least, most] = [Math.min(...ends), Math.max(...ends)];
  return {
    scale: { domain: [least, most], nice: false, zero: false, reverse: isFalling(bins) },
    axis: { title: `${gate} score (sent first →)`, tickCount: 6 },
  };
}

function isFalling(bins: readonly GateBin[]): boolean {
  const [first, last] = [bins[0], bins.at(-1)];
  if (first === undefined || last === undefined) return false;
  return first.from + first.to > last.from + last.to || first.from > first.to;
}

/** Bars of unequal width show density, so that areas compare. */
function scorePanel(gate: GateEvidence): Panel {
  const widths = gate.bins.map(({ from, to }) => Math.abs(to - from));
  const [thin, wide] = [Math.min(...widths), Math.max(...widths)];
  const isEven = wide - thin <= WIDTH_TOLERANCE * wide;
  const values = CLASSES.flatMap(({ name, count }) => {
    const all = gate.bins.reduce((sum, bin) => sum + count(bin), 0);
    return gate.bins.map((bin) => {
      const share = all === 0 ? 0 : count(bin) / all;
      const width = Math.abs(bin.to - bin.from) || WIDTH_TOLERANCE * (wide || 1);
      const { from, to } = bin;
      return { class: name, from, to, height: isEven ? share : share / width, zero: 0 };
    });
  });
  const x = { field: 'from', type: 'quantitative', ...scoreAxis(gate) } as const;
  const y = {
    field: 'height',
    type: 'quantitative',
    stack: null,
    axis: isEven
      ? { title: 'Share of the class', format: '.0%', tickCount: 6 }
      : { title: 'Share of the class ÷ width of the bin', tickCount: 6 },
  } as const;
  const names = CLASSES.map(({ name }) => name);
  const legend = { orient: 'bottom', title: null, symbolType: 'square' } as const;
  const field = { field: 'class', type: 'nominal' } as const;
  return {
    ...PANEL,
    title: panelTitle(gate),
    data: { values },
    mark: { type: 'bar', strokeWidth: 2, binSpacing: 0 },
    encoding: {
      x,
      x2: { field: 'to' },
      y,
      y2: { field: 'zero' },
      fill: { ...field, scale: { domain: names, range: [AGREE.light, DIFFER.light] }, legend },
      stroke: { ...field, scale: { domain: names, range: [AGREE.light, DIFFER.light] }, legend },
      fillOpacity: { ...field, scale: { domain: names, range: [0.35, 0.06] }, legend },
    },
  };
}

interface CalibrationRow {
  readonly bin: GateBin;
  readonly count: number;
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

/** Bins without tokens say nothing and are left out. */
function calibration({ bins }: GateEvidence): CalibrationRow[] {
  return bins
    .filter((bin) => tokenCountOf(bin) > 0)
    .map((bin) => {
      const count = tokenCountOf(bin);
      return { bin, count, share: bin.differCount / count, ...wilson95(bin.differCount, count) };
    });
}

function calibrationPanel(gate: GateEvidence): Panel {
  const values = calibration(gate).map(({ bin, share, low, high }) => ({
    score: (bin.from + bin.to) / 2,
    share,
    low,
    high,
  }));
  const all = gate.bins.reduce((sum, bin) => sum + tokenCountOf(bin), 0);
  const differing = gate.bins.reduce((sum, bin) => sum + bin.differCount, 0);
  const x = { field: 'score', type: 'quantitative', ...scoreAxis(gate) } as const;
  const y = {
    field: 'share',
    type: 'quantitative',
    scale: { zero: true },
    axis: { title: 'Tokens that differ', format: '.0%', tickCount: 6 },
  } as const;
  return {
    ...PANEL,
    title: panelTitle(gate),
    layer: [
      {
        data: { values: [{ share: differing / all }] },
        mark: { type: 'rule', strokeDash: [6, 4], color: MUTED.light, strokeWidth: 1.5 },
        encoding: { y },
      },
      {
        data: { values },
        mark: { type: 'rule', color: DIFFER.light, strokeWidth: 2 },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' } },
      },
      {
        data: { values },
        mark: { type: 'line', color: DIFFER.light, strokeWidth: 1.5, opacity: 0.5 },
        encoding: { x, y },
      },
      {
        data: { values },
        mark: { type: 'point', filled: true, size: 50, color: INK.light, opacity: 1 },
        encoding: { x, y },
      },
    ],
  };
}
