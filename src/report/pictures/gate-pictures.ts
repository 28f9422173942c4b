/** What gates know: how scores lie where the models agree and differ, and how often they differ. */
import type { TopLevelSpec } from 'vega-lite';
import type { EvaluationResult, GateBin, GateEvidence } from '../../evaluation/results.ts';
import { AGREE, DIFFER, INK, MUTED } from '../strategy-styles.ts';
import { wilson95 } from '../wilson.ts';
import { listed, percent, percentRange, short } from '../wording.ts';
import { type Picture, subtitleOf } from './picture.ts';
import { PERCENT_LABEL, THEME } from './theme.ts';

type Panel = Extract<TopLevelSpec, { readonly concat: unknown }>['concat'][number];

const PANEL = { width: 360, height: 250 } as const;
const COLUMN_COUNT = 2;
/** Bins whose widths differ by less are drawn as equally wide. */
const WIDTH_TOLERANCE = 0.01;

const CLASSES = [
  {
    name: 'models agree',
    count: ({ agreeCount }: GateBin): number => agreeCount,
    fillOpacity: 0.45,
  },
  {
    name: 'models differ',
    count: ({ differCount }: GateBin): number => differCount,
    fillOpacity: 0.45,
  },
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
    spec: concat(result, title, CALIBRATION_NOTE, calibrationPanels(result)),
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
  return { text, fontSize: 14, offset: 8, limit: PANEL.width };
}

/** Scores from left to right in the order in which they are sent; margins fall. */
function scoreAxis({ gate, bins }: GateEvidence) {
  const ends = bins.flatMap(({ from, to }) => [from, to]);
  const [least, most] = [Math.min(...ends), Math.max(...ends)];
  return {
    scale: { domain: [least, most], nice: false, zero: false, reverse: isFalling(bins) },
    axis: { title: `${gate} score (sent first →)`, titleLimit: PANEL.width, tickCount: 6 },
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
      ? { title: 'Share of the class', labelExpr: PERCENT_LABEL, tickCount: 6 }
      : { title: 'Share of the class ÷ width of the bin', tickCount: 6 },
  } as const;
  const scale = { domain: CLASSES.map(({ name }) => name), range: [AGREE.light, DIFFER.light] };
  const legend = { orient: 'bottom', title: null, symbolType: 'square' } as const;
  const color = { field: 'class', type: 'nominal', scale, legend } as const;
  const [agree, differ] = CLASSES.map(({ name }) => values.filter((value) => value.class === name));
  const steps = (differ ?? []).flatMap(({ from, to, ...rest }) => [
    { ...rest, score: from },
    { ...rest, score: to },
  ]);
  return {
    ...PANEL,
    title: panelTitle(gate),
    layer: [
      {
        data: { values: agree ?? [] },
        mark: { type: 'bar', binSpacing: 0, fillOpacity: 0.45 },
        encoding: { x, x2: { field: 'to' }, y, y2: { field: 'zero' }, color },
      },
      {
        data: { values: steps.map((step, order) => ({ ...step, order })) },
        mark: { type: 'line', strokeWidth: 2.5, interpolate: 'linear' },
        encoding: { x: { ...x, field: 'score' }, y, order: { field: 'order' }, color },
      },
    ],
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

/** All panels on one scale: only so does a gate that knows nothing look like one. */
function calibrationPanels(result: EvaluationResult): Panel[] {
  const gates = shownGates(result);
  const highest = Math.max(...gates.flatMap((gate) => calibration(gate).map(({ high }) => high)));
  return gates.map((gate) => calibrationPanel(gate, highest));
}

function calibrationPanel(gate: GateEvidence, highest: number): Panel {
  const domain = [0, Math.min(1, highest * 1.06)];
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
    scale: { domain },
    axis: { title: 'Tokens that differ', labelExpr: PERCENT_LABEL, tickCount: 6 },
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
