/**
 * A picture in its two forms. The drawing libraries are large, so they are loaded only when needed.
 */
import type { TopLevelSpec } from 'vega-lite';

export interface DrawnForms {
  readonly svg: string;
  readonly png: Uint8Array;
}

export async function drawPicture(spec: TopLevelSpec): Promise<DrawnForms> {
  const { renderSvg } = await import('./render-svg.ts');
  const { renderPng } = await import('./render-png.ts');
  const { svg } = await renderSvg(spec);
  return { svg, png: await renderPng(svg) };
}
