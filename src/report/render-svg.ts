/** Pictures drawn as SVG, without a browser or a canvas. */
import { type LoggerInterface, parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

/** What the plotting library complained about: nothing, as long as the pictures are right. */
export interface DrawnSvg {
  readonly svg: string;
  readonly warnings: readonly string[];
}

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
