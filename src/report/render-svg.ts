/** Pictures drawn as SVG, without a browser or a canvas. */
import { type LoggerInterface, parse, textMetrics, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

interface TextItem {
  readonly fontSize?: number;
  readonly fontWeight?: string | number;
  /** In pixels: longer texts are shortened. 0: no limit. */
  readonly limit?: number;
}

/** The types of the library lack this property. Its source invites users to replace `width`. */
declare module 'vega' {
  export const textMetrics: {
    width: (item: TextItem, text: unknown) => number;
  };
}

/** The warnings of the plotting library: none, as long as the pictures are right. */
export interface DrawnSvg {
  readonly svg: string;
  readonly warnings: readonly string[];
}

/**
 * The mean widths of letters in the pictures' font, in units of the font size. Without a canvas,
 * the library assumes 0.8, which leaves wide margins. Letters of square scripts are as wide as they
 * are high.
 */
const WIDTH = { regular: 0.61, bold: 0.69, square: 1 } as const;
const SQUARE_LETTERS = /[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uff00-\uff60]/u;

textMetrics.width = (item, text) => {
  const { fontSize = 11, fontWeight, limit = 0 } = item;
  const usual = fontWeight === 'bold' ? WIDTH.bold : WIDTH.regular;
  const letters = [...String(text ?? '').trim()];
  const widths = letters.map((letter) => (SQUARE_LETTERS.test(letter) ? WIDTH.square : usual));
  const whole = fontSize * widths.reduce<number>((sum, width) => sum + width, 0);
  return limit > 0 ? Math.min(limit, whole) : whole;
};

export async function renderSvg(spec: TopLevelSpec): Promise<DrawnSvg> {
  const warnings: string[] = [];
  const log = collectingLogger(warnings);
  const { spec: compiled } = compile(spec, { logger: log });
  const view = new View(parse(compiled), { renderer: 'none', logger: log });
  try {
    const svg = await view.toSVG();
    return { svg, warnings };
  } finally {
    view.finalize();
  }
}

function collectingLogger(warnings: string[]): LoggerInterface {
  const log: LoggerInterface = {
    level: () => log,
    error: (...args) => keep(args),
    warn: (...args) => keep(args),
    info: () => log,
    debug: () => log,
  };
  const keep = (args: readonly unknown[]): LoggerInterface => {
    warnings.push(args.map(String).join(' '));
    return log;
  };
  return log;
}
