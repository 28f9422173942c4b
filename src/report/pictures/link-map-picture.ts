/**
 * A map of links: for each round trip and rate, the fastest scheme in its colour, with its tokens per
 * second. Measured links are marked.
 */
import type { TopLevelSpec } from 'vega-lite';
import type { LinkMap, MapPlace } from '../../channel/link-map.ts';
import { HUES } from '../../strategy/method-style.ts';
import { INK } from '../strategy-styles.ts';
import { PLOT, THEME } from './theme.ts';

export interface LinkMapMarks {
  readonly subtitle: readonly string[];
  readonly measured: readonly MapPlace[];
}

const TITLE = 'The fastest scheme by round trip and rate';
const FILL_OPACITY = 0.45;
const RATE_LABEL = "format(datum.value, '~s')";
const CELL_TEXT_SIZE = 11;

/** @param names of all schemes that are compared, in order: a scheme keeps its colour between maps */
export function linkMapSpec(
  map: LinkMap,
  names: readonly string[],
  { subtitle, measured }: LinkMapMarks,
): TopLevelSpec {
  const shown = names.filter((name) => map.cells.some(({ best }) => best === name));
  const colors = names.map((_, index) => hueAt(index));
  const x = axisOf('rate', { title: 'rate up and down, bit/s', labelExpr: RATE_LABEL }, map.rates);
  const y = axisOf('roundTripMs', { title: 'round trip, ms' }, map.roundTripsMs);
  return {
    ...{ width: PLOT.width, height: PLOT.height },
    title: { text: TITLE, subtitle: [...subtitle] },
    data: { values: map.cells.map((cell) => ({ ...cell, ...boundsOf(cell, map) })) },
    layer: [
      {
        mark: { type: 'rect', fillOpacity: FILL_OPACITY, stroke: 'white', strokeWidth: 1 },
        encoding: {
          x: { ...x, field: 'rateFrom' },
          x2: { field: 'rateTo' },
          y: { ...y, field: 'tripFrom' },
          y2: { field: 'tripTo' },
          color: {
            field: 'best',
            type: 'nominal',
            scale: {
              domain: shown,
              range: shown.map((name) => colors[names.indexOf(name)] ?? INK.light),
            },
            legend: { title: null, orient: 'bottom', symbolType: 'square', symbolOpacity: 1 },
          },
        },
      },
      {
        mark: { type: 'text', fontSize: CELL_TEXT_SIZE, color: INK.light },
        encoding: { x, y, text: { field: 'tokensPerSecond', format: '.3~r' } },
      },
      {
        data: { values: [...measured] },
        mark: {
          type: 'point',
          clip: true,
          shape: 'circle',
          size: 900,
          color: INK.light,
          strokeWidth: 2,
        },
        encoding: { x, y },
      },
    ],
    config: THEME,
  };
}

interface AxisTexts {
  readonly title: string;
  readonly labelExpr?: string;
}

function axisOf(field: string, texts: AxisTexts, values: readonly number[]) {
  const domain = [edge(values, 0), edge(values, values.length)];
  return {
    ...{
      field,
      type: 'quantitative' as const,
      scale: { type: 'log' as const, nice: false, domain },
    },
    axis: { ...texts, values: [...values], grid: false },
  };
}

function hueAt(index: number): string {
  const hues = Object.values(HUES);
  return hues[index % hues.length]?.light ?? INK.light;
}

function boundsOf({ rate, roundTripMs }: MapPlace, { rates, roundTripsMs }: LinkMap) {
  const rateAt = rates.indexOf(rate);
  const tripAt = roundTripsMs.indexOf(roundTripMs);
  return {
    ...{ rateFrom: edge(rates, rateAt), rateTo: edge(rates, rateAt + 1) },
    ...{ tripFrom: edge(roundTripsMs, tripAt), tripTo: edge(roundTripsMs, tripAt + 1) },
  };
}

/**
 * The edge before the value at `index`, at the geometric mean with the one before it. The outer edges
 * are as far from their values as the inner ones.
 * @param values rising
 */
function edge(values: readonly number[], index: number): number {
  const at = (place: number): number => values[place] ?? 1;
  const last = values.length - 1;
  if (last === 0) return at(0) * (index === 0 ? 0.5 : 2);
  if (index === 0) return at(0) * Math.sqrt(at(0) / at(1));
  if (index > last) return at(last) * Math.sqrt(at(last) / at(last - 1));
  return Math.sqrt(at(index - 1) * at(index));
}
