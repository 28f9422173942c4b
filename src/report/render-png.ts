/** SVG to PNG, with the fonts that come with this program; system fonts are not used. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { initWasm, Resvg } from '@resvg/resvg-wasm';
import { FONT } from './pictures/theme.ts';

/** The width of every picture in pixels: about twice its natural size. */
const WIDTH = 1600;

const GROUND = '#ffffff';

const { resolve } = createRequire(import.meta.url);

let ready: Promise<readonly Uint8Array[]> | null = null;

export async function renderPng(svg: string): Promise<Uint8Array> {
  // The module can be initialised only once per process.
  ready ??= prepare();
  const fontBuffers = await ready;
  const image = new Resvg(svg, {
    fitTo: { mode: 'width', value: WIDTH },
    background: GROUND,
    font: { fontBuffers: [...fontBuffers], defaultFontFamily: FONT, sansSerifFamily: FONT },
  });
  try {
    const rendered = image.render();
    try {
      return rendered.asPng();
    } finally {
      rendered.free();
    }
  } finally {
    image.free();
  }
}

async function prepare(): Promise<readonly Uint8Array[]> {
  await initWasm(await readFile(resolve('@resvg/resvg-wasm/index_bg.wasm')));
  const fonts = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'];
  return Promise.all(fonts.map((name) => readFile(resolve(`dejavu-fonts-ttf/ttf/${name}`))));
}
