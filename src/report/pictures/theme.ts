/** The common style of all pictures, and their width. */
import type { Config } from 'vega-lite';
import { GRID, INK, MUTED } from '../strategy-styles.ts';

/** The font that comes with this program, then a similar one that browsers have. */
export const FONT = 'DejaVu Sans';
const FONTS = `${FONT}, Verdana, Arial, sans-serif`;

/** The size of the plot area in pixels. */
export const PLOT = { width: 760, height: 430 } as const;

/** The label format of a share axis. */
export const PERCENT_LABEL = "format(datum.value * 100, '~f') + ' %'";

export const THEME: Config = {
  font: FONTS,
  // The page has its own background, and a picture file gets a white one.
  background: 'transparent',
  padding: { left: 16, right: 24, top: 16, bottom: 16 },
  // Screen readers get the table of numbers instead of a thousand marks.
  aria: false,
  title: {
    anchor: 'start',
    frame: 'group',
    color: INK.light,
    fontSize: 18,
    fontWeight: 'bold',
    subtitleColor: MUTED.light,
    subtitleFontSize: 13,
    subtitlePadding: 6,
    offset: 16,
    // Model names may be as long as paths.
    limit: 880,
  },
  axis: {
    labelColor: MUTED.light,
    labelFontSize: 13,
    titleColor: INK.light,
    titleFontSize: 14,
    titleFontWeight: 'normal',
    titlePadding: 12,
    titleLimit: PLOT.width,
    gridColor: GRID.light,
    domainColor: MUTED.light,
    tickColor: MUTED.light,
  },
  legend: {
    labelColor: INK.light,
    labelFontSize: 13,
    labelLimit: 260,
    symbolSize: 110,
    symbolStrokeWidth: 2,
    columnPadding: 24,
    rowPadding: 6,
  },
  axisQuantitative: { labelFlush: false },
  view: { stroke: null },
};
