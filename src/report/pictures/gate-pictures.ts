/**
 * The evidence of gates: how scores are distributed where the models agree and differ, and how
 * often they differ.
 */
import type { TopLevelSpec } from 'vega-lite';
import type { EvaluationResult, GateBin, GateEvidence } from '../../evaluation/results.ts';
import { wilson } from '../../evaluation/statistics/wilson.ts';
import { AGREE, DIFFER, INK, MUTED } from '../strategy-styles.ts';
import { distinctly, listed, percent, percentRange } from '../wording.ts';
import { type Picture, subtitleOf } from './picture.ts';
import { type ScoreScale, scoreScale } from './score-scale.ts';
import { PERCENT_LABEL, PLOT, THEME } from './theme.ts';

type Panel = Extract<TopLevelSpec, { readonly concat: unknown }>['concat'][number];

const PANEL_HEIGHT = 250;
const COLUMN_COUNT = 2;
const COLUMN_GAP = 44;

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
      `Histograms of the scores of ${listed(gateNames(result))}, split by whether both models ` +
      'would write the same token. The numbers follow as a table.',
    spec: concat(result, title, SCORES_NOTE, scorePanels(result)),
    numbers: {
      caption: title,
      textColumnCount: 2,
      columns: ['gate', 'score', 'agree', 'differ'],
      rows: shownGates(result).flatMap((gate) =>
        gate.bins.map((bin) => [
          gate.gate,
          binText(bin, gate.bins),
          String(Math.round(bin.agreeCount)),
          String(Math.round(bin.differCount)),
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
          binText(bin, gate.bins),
          String(count),
          percent(share),
          percentRange(low, high),
        ]),
      ),
    },
  };
}

const CALIBRATION_NOTE =
  'Whiskers: 95 %, as if tokens were independent. Dashed: all tokens; a gate that knows nothing stays there.';

/** The gates with at least one token. */
export function shownGates({ gates }: EvaluationResult): GateEvidence[] {
  return gates.filter(({ bins }) => bins.some((bin) => tokenCountOf(bin) > 0));
}

function gateNames(result: EvaluationResult): string[] {
  return shownGates(result).map(({ gate }) => gate);
}

function tokenCountOf({ agreeCount, differCount }: GateBin): number {
  return agreeCount + differCount;
}

/** Margins crowd below 1: the text has enough digits to distinguish the bins. */
function binText({ from, to }: GateBin, bins: readonly GateBin[]): string {
  const edges = bins.flatMap((bin) => [bin.from, bin.to]);
  return `${distinctly(from, edges)} to ${distinctly(to, edges)}`;
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
    spacing: { row: 36, column: COLUMN_GAP },
  };
}

/** A single gate takes the whole width. */
function panelWidth(gateCount: number): number {
  return gateCount === 1 ? PLOT.width : Math.floor((PLOT.width - COLUMN_GAP) / COLUMN_COUNT);
}

function panelTitle({ gate, auc, bins }: GateEvidence, width: number) {
  const tokens = bins.reduce((sum, bin) => sum + tokenCountOf(bin), 0);
  const known = auc === null ? '' : `: AUC ${auc.toFixed(3)}`;
  // On a line of its own, because names may be long. Tokens of screened questions represent
  // several.
  const subtitle = `${Math.round(tokens).toLocaleString('en')} tokens`;
  return { text: `${gate}${known}`, subtitle, fontSize: 14, offset: 8, limit: width };
}

function scoreAxis(gate: GateEvidence, { domain, isReversed, ticks }: ScoreScale, width: number) {
  const title = `${gate.gate} score (sent first →)`;
  const labels = JSON.stringify(
    Object.fromEntries(ticks?.map(({ at, label }) => [at, label]) ?? []),
  );
  const own =
    ticks === null
      ? { tickCount: 6 }
      : { values: ticks.map(({ at }) => at), labelExpr: `(${labels})[datum.value]` };
  return {
    scale: { domain: [...domain], nice: false, zero: false, reverse: isReversed },
    axis: { title, titleLimit: width, ...own },
  };
}

function scorePanels(result: EvaluationResult): Panel[] {
  const gates = shownGates(result);
  return gates.map((gate) => scorePanel(gate, panelWidth(gates.length)));
}

function scorePanel(gate: GateEvidence, width: number): Panel {
  const scale = scoreScale(gate.bins);
  const [agree, differ] = CLASSES.map(({ count }) => classShares(gate.bins, scale, count));
  const outline = (differ ?? []).flatMap(({ start, end, share }) => [
    { score: start, share },
    { score: end, share },
  ]);
  const x = { field: 'start', type: 'quantitative', ...scoreAxis(gate, scale, width) } as const;
  const y = {
    field: 'share',
    type: 'quantitative',
    stack: null,
    axis: { title: 'Share of the class', labelExpr: PERCENT_LABEL, tickCount: 6 },
  } as const;
  const names = CLASSES.map(({ name }) => name);
  const color = (name: string) =>
    ({
      datum: name,
      type: 'nominal',
      scale: { domain: names, range: [AGREE.light, DIFFER.light] },
      legend: { orient: 'bottom', title: null, symbolType: 'square' },
    }) as const;
  return {
    width,
    height: PANEL_HEIGHT,
    title: panelTitle(gate, width),
    layer: [
      {
        data: { values: agree ?? [] },
        mark: { type: 'bar', binSpacing: 0, fillOpacity: 0.45 },
        encoding: { x, x2: { field: 'end' }, y, y2: { datum: 0 }, color: color(CLASSES[0].name) },
      },
      {
        data: { values: outline.map((corner, order) => ({ ...corner, order })) },
        mark: { type: 'line', strokeWidth: 2.5 },
        encoding: {
          x: { ...x, field: 'score' },
          y,
          order: { field: 'order' },
          color: color(CLASSES[1].name),
        },
      },
    ],
  };
}

function classShares(
  bins: readonly GateBin[],
  { places }: ScoreScale,
  count: (bin: GateBin) => number,
): { readonly start: number; readonly end: number; readonly share: number }[] {
  const all = bins.reduce((sum, bin) => sum + count(bin), 0);
  return bins.map((bin, at) => {
    const { start, end } = places[at] ?? { start: at, end: at + 1 };
    return { start, end, share: all === 0 ? 0 : count(bin) / all };
  });
}

interface CalibrationRow {
  readonly bin: GateBin;
  /** The position of the point: the middle of its bin. */
  readonly score: number;
  readonly count: number;
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

/** Bins without tokens are left out. */
function calibration({ bins }: GateEvidence): CalibrationRow[] {
  const { places } = scoreScale(bins);
  return bins.flatMap((bin, at) => {
    const count = tokenCountOf(bin);
    if (count === 0) return [];
    const { start, end } = places[at] ?? { start: at, end: at + 1 };
    const interval = wilson(bin.differCount, count);
    return { bin, score: (start + end) / 2, count, share: bin.differCount / count, ...interval };
  });
}

/** All panels have one scale: otherwise an uninformative gate would not look like one. */
function calibrationPanels(result: EvaluationResult): Panel[] {
  const gates = shownGates(result);
  const highest = Math.max(...gates.flatMap((gate) => calibration(gate).map(({ high }) => high)));
  return gates.map((gate) => calibrationPanel(gate, highest, panelWidth(gates.length)));
}

function calibrationPanel(gate: GateEvidence, highest: number, width: number): Panel {
  const domain = [0, Math.min(1, highest * 1.06)];
  const values = calibration(gate).map(({ score, share, low, high }) => ({
    score,
    share,
    low,
    high,
  }));
  const all = gate.bins.reduce((sum, bin) => sum + tokenCountOf(bin), 0);
  const differing = gate.bins.reduce((sum, bin) => sum + bin.differCount, 0);
  const axis = scoreAxis(gate, scoreScale(gate.bins), width);
  const x = { field: 'score', type: 'quantitative', ...axis } as const;
  const y = {
    field: 'share',
    type: 'quantitative',
    scale: { domain },
    axis: { title: 'Tokens that differ', labelExpr: PERCENT_LABEL, tickCount: 6 },
  } as const;
  return {
    width,
    height: PANEL_HEIGHT,
    title: panelTitle(gate, width),
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
