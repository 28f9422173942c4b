/**
 * Accuracy against one cost: a line per strategy, controls as bands of their intervals, and the
 * models alone as rules.
 */
import type { TopLevelSpec } from 'vega-lite';
import type { EvaluationResult } from '../../evaluation/results.ts';
import type { MethodStyle } from '../../strategy/method-style.ts';
import { LARGE_ALONE, strategiesOf } from '../curves.ts';
import { CONTROL, INK, MUTED } from '../strategy-styles.ts';
import { listed, percent, percentRange, ratio } from '../wording.ts';
import type { AccuracyData, DrawnPoint } from './accuracy-data.ts';
import { type NumberTable, type Picture, subtitleOf } from './picture.ts';
import { PERCENT_LABEL, PLOT, THEME } from './theme.ts';

type Layer = Extract<TopLevelSpec, { readonly layer: unknown }>['layer'][number];

export interface AccuracyPictureOptions {
  readonly name: string;
  readonly title: string;
  readonly styles: ReadonlyMap<string, MethodStyle>;
  /** Whether the points on the Pareto front are marked. */
  readonly hasFront: boolean;
}

/** The axes of a point. Every layer has the same ones, or the library would merge their scales. */
type Axes = ReturnType<typeof axesOf>;

function axesOf(data: AccuracyData) {
  const { title, isShare } = data.scale;
  return {
    x: {
      field: 'cost',
      type: 'quantitative',
      scale: { domain: costDomain(data), nice: false },
      axis: {
        title: `${title} (← less is better)`,
        labelExpr: isShare ? PERCENT_LABEL : "format(datum.value, '.2f')",
        tickCount: 10,
      },
    },
    y: {
      field: 'accuracy',
      type: 'quantitative',
      scale: { domain: accuracyDomain(data), nice: false },
      axis: {
        title: 'Accuracy: questions answered right (more is better ↑)',
        labelExpr: PERCENT_LABEL,
        tickCount: 8,
      },
    },
  } as const;
}

export function accuracyPicture(
  result: EvaluationResult,
  data: AccuracyData,
  options: AccuracyPictureOptions,
): Picture {
  const { name, title } = options;
  return {
    name,
    title,
    alt: altOf(data),
    spec: {
      config: THEME,
      ...PLOT,
      title: { text: title, subtitle: [subtitleOf(result), ...howToRead(data, options)] },
      layer: layers(data, options),
    },
    numbers: numbersOf(title, data),
  };
}

function layers(data: AccuracyData, options: AccuracyPictureOptions): Layer[] {
  const { alone } = data;
  const points = curvesFirst(data.points);
  const axes = axesOf(data);
  const looks = lookChannels(data.points, options.styles);
  const methods = points.filter(({ isControl }) => !isControl);
  const ink = { mark: { color: INK.light }, encoding: {} };
  return [
    ...bands(points, axes),
    ...rules(data, axes),
    ...(options.hasFront ? front([...points, ...alone], axes) : []),
    {
      data: { values: points },
      mark: { type: 'line', strokeWidth: 2 },
      encoding: { ...axes, ...line(looks) },
    },
    whiskers(methods, axes, { mark: {}, encoding: { color: looks.color } }),
    whiskers(alone, axes, ink),
    {
      data: { values: points },
      mark: { type: 'point', filled: true, size: 80, opacity: 1 },
      encoding: { ...axes, color: looks.color, shape: looks.shape },
    },
    {
      data: { values: [...alone] },
      mark: { type: 'point', filled: true, size: 90, opacity: 1, color: INK.light },
      encoding: { ...axes },
    },
  ];
}

/** Strategies with a single point are drawn on top of the curves. */
function curvesFirst(points: readonly DrawnPoint[]): DrawnPoint[] {
  const isCurve = ({ strategy }: DrawnPoint): boolean =>
    points.filter((point) => point.strategy === strategy).length > 1;
  return [...points.filter(isCurve), ...points.filter((point) => !isCurve(point))];
}

type Looks = ReturnType<typeof lookChannels>;

/** The channels of one legend for all marks. */
function lookChannels(points: readonly DrawnPoint[], styles: ReadonlyMap<string, MethodStyle>) {
  const domain = strategiesOf(points);
  const colors = domain.map((strategy) => styles.get(strategy)?.hue.light ?? '');
  const shapes = domain.map((strategy) => styles.get(strategy)?.shape ?? '');
  const dashes = domain.map((strategy) => [...(styles.get(strategy)?.dash ?? [])]);
  const field = { field: 'strategy', type: 'nominal' } as const;
  const legend = {
    orient: 'bottom',
    title: null,
    columns: 5,
    offset: 16,
    symbolOpacity: 1,
  } as const;
  return {
    color: { ...field, scale: { domain, range: colors }, legend },
    shape: { ...field, scale: { domain, range: shapes }, legend },
    strokeDash: { ...field, scale: { domain, range: dashes }, legend },
  };
}

function line({ color, strokeDash }: Looks): Pick<Looks, 'color' | 'strokeDash'> {
  return { color, strokeDash };
}

/** A band needs two points; a control with one point gets a whisker. */
function bands(points: readonly DrawnPoint[], { x, y }: Axes): Layer[] {
  const controls = points.filter(({ isControl }) => isControl);
  return strategiesOf(controls).map((control): Layer => {
    const values = controls.filter(({ strategy }) => strategy === control);
    const encoding = { x, y: { ...y, field: 'low' }, y2: { field: 'high' } } as const;
    const mark =
      values.length > 1
        ? ({ type: 'area', color: CONTROL.light, opacity: 0.25 } as const)
        : ({ type: 'rule', color: CONTROL.light, strokeWidth: 2 } as const);
    return { data: { values }, mark, encoding };
  });
}

/** @param look a hue for all points, or the channel that gives it */
function whiskers(
  points: readonly DrawnPoint[],
  { x, y }: Axes,
  look: { readonly mark: { readonly color?: string }; readonly encoding: Partial<Looks> },
): Layer {
  return {
    data: { values: [...points] },
    mark: { type: 'rule', strokeWidth: 1.5, opacity: 0.55, ...look.mark },
    encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, ...look.encoding },
  };
}

/** The part of the costs in which curves count as ending early. */
const EARLY = 0.6;

/** The models alone as rules across the picture, each with its name where curves are rare. */
function rules(data: AccuracyData, { x, y }: Axes): Layer[] {
  const [left, right] = costDomain(data);
  // Curves that end early rise beside the left end of the large model's rule.
  const isEarly = data.points.every(({ cost }) => cost < left + EARLY * (right - left));
  return data.alone.flatMap((point): Layer[] => {
    const isLarge = point.strategy === LARGE_ALONE;
    const isLeft = isLarge && !isEarly;
    const text = `${point.strategy} alone ${percent(point.accuracy)}`;
    const values = [{ ...point, text, cost: isLeft ? left : right }];
    return [
      {
        data: { values },
        mark: { type: 'rule', color: MUTED.light, strokeDash: [6, 4], strokeWidth: 1.5 },
        encoding: { y },
      },
      {
        data: { values },
        mark: {
          type: 'text',
          align: isLeft ? 'left' : 'right',
          baseline: isLarge ? 'bottom' : 'top',
          dx: isLeft ? 6 : -6,
          dy: isLarge ? -5 : 6,
          color: INK.light,
          fontSize: 13,
        },
        encoding: { x, y, text: { field: 'text' } },
      },
    ];
  });
}

function front(points: readonly DrawnPoint[], { x, y }: Axes): Layer[] {
  const values = points.filter(({ isOnFront }) => isOnFront).sort((a, b) => a.cost - b.cost);
  return [
    {
      data: { values },
      mark: {
        type: 'line',
        interpolate: 'step-after',
        color: INK.light,
        strokeWidth: 1.2,
        strokeDash: [2, 3],
      },
      encoding: { x, y },
    },
    {
      data: { values },
      mark: {
        type: 'point',
        filled: false,
        size: 260,
        color: INK.light,
        strokeWidth: 1.5,
        opacity: 1,
      },
      encoding: { x, y },
    },
  ];
}

/** Shares from 0 to 1; ratios up to the largest point, the large model alone included. */
function costDomain({ scale, points, alone }: AccuracyData): [number, number] {
  const costs = [...points, ...alone].map(({ cost }) => cost);
  if (scale.isShare) return [0, Math.max(1, ...costs)];
  const [least, most] = [Math.min(1, ...costs), Math.max(1, ...costs)];
  const room = 0.04 * Math.max(most - least, 0.1);
  return [Math.max(0, least - room), most + room];
}

/** As narrow as the intervals allow, with some space. */
function accuracyDomain({ points, alone }: AccuracyData): [number, number] {
  const all = [...points, ...alone];
  const [least, most] = [
    Math.min(...all.map(({ low }) => low)),
    Math.max(...all.map(({ high }) => high)),
  ];
  const room = 0.06 * Math.max(most - least, 0.05);
  return [Math.max(0, least - room), Math.min(1, most + room)];
}

function howToRead({ points }: AccuracyData, { hasFront }: AccuracyPictureOptions): string[] {
  const controls = strategiesOf(points.filter(({ isControl }) => isControl));
  const band = controls.length === 0 ? [] : [`Grey, choosing at random: ${listed(controls)}.`];
  const rings = hasFront ? ' Rings and dotted line: Pareto front.' : '';
  return [...band, `Bands and whiskers: 95 % intervals.${rings}`];
}

function altOf({ points, alone, scale }: AccuracyData): string {
  const levels = alone.map(({ strategy, accuracy }) => `${strategy} alone ${percent(accuracy)}`);
  const strategies = strategiesOf(points);
  const shown = strategies.length === 0 ? '' : ` of ${listed(strategies)}`;
  return `Accuracy against ${scale.words}${shown}; ${listed(levels)}. The numbers follow as a table.`;
}

function numbersOf(title: string, { points, alone, scale }: AccuracyData): NumberTable {
  const cost = scale.isShare ? percent : ratio;
  return {
    caption: title,
    textColumnCount: 1,
    columns: ['strategy', scale.words, 'accuracy', '95 % interval'],
    rows: [...alone, ...points].map((point) => [
      point.name,
      cost(point.cost),
      percent(point.accuracy),
      percentRange(point.low, point.high),
    ]),
  };
}
