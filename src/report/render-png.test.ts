import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { fakeResult } from './fakes/evaluation-result.ts';
import { allPictures } from './pictures/all-pictures.ts';
import { renderPng } from './render-png.ts';
import { renderSvg } from './render-svg.ts';

/** The pixel count of each colour, as red, green, blue, alpha in hexadecimal. */
function colorCounts({ data }: PNG): Map<string, number> {
  const counts = new Map<number, number>();
  for (let at = 0; at < data.length; at += 4) {
    const color = data.readUInt32BE(at);
    counts.set(color, (counts.get(color) ?? 0) + 1);
  }
  return new Map([...counts].map(([color, count]) => [color.toString(16).padStart(8, '0'), count]));
}

function decoded(png: Uint8Array): PNG {
  return PNG.sync.read(Buffer.from(png));
}

describe('renderPng', () => {
  it('draws a picture wide, on white, in the colours of its strategies', async () => {
    const [picture] = allPictures(fakeResult());
    if (picture === undefined) return expect.fail('no picture');
    const image = decoded(await renderPng((await renderSvg(picture.spec)).svg));
    expect(image.width).toBe(1600);
    expect(image.height).toBeGreaterThan(900);
    expect(image.height).toBeLessThan(1600);
    const counts = colorCounts(image);
    const share = (color: string): number =>
      (counts.get(color) ?? 0) / (image.width * image.height);
    expect(share('ffffffff')).toBeGreaterThan(0.5);
    expect(share('ffffffff')).toBeLessThan(0.95);
    // The colours of entropy and margin, for points and lines, and of ink.
    for (const color of ['0072b2ff', 'd55e00ff', '1f2328ff']) {
      expect([color, share(color) > 0.001]).toEqual([color, true]);
    }
  });

  it('has the letters that pictures need in its own font', async () => {
    const drawn = async (text: string): Promise<number> => {
      const svg =
        '<svg xmlns="http://www.w3.org/2000/svg" width="800" height="80">' +
        `<text x="10" y="60" font-size="60" font-family="Nowhere, sans-serif">${text}</text></svg>`;
      const counts = colorCounts(decoded(await renderPng(svg)));
      return counts.get('000000ff') ?? 0;
    };
    for (const letter of ['e', '÷', '←', '→', '↑', '−', '–', '%', '…']) {
      expect([letter, (await drawn(letter)) > 100]).toEqual([letter, true]);
    }
    expect(await drawn(' ')).toBe(0);
  });
});
