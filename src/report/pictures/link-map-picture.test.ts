import { describe, expect, it } from 'vitest';
import { sendingMs } from '../../channel/direction.ts';
import { linkMap, type MapScheme } from '../../channel/link-map.ts';
import { renderSvg } from '../render-svg.ts';
import { COLOR_PAIRS } from '../strategy-styles.ts';
import { linkMapSpec } from './link-map-picture.ts';

const scheme = (name: string, deviceMs: number, upBytes: number): MapScheme => ({
  name,
  timeOver: ({ roundTripMs, upRate }) => {
    const linkMs = upBytes > 0 ? roundTripMs + sendingMs(upBytes, upRate) : 0;
    return { ms: deviceMs + linkMs };
  },
});

const SCHEMES = [scheme('device', 50, 0), scheme('never', 60, 0), scheme('every', 5, 100)];

async function drawn(schemes: readonly MapScheme[], measured = [{ roundTripMs: 20, rate: 1e6 }]) {
  const names = schemes.map(({ name }) => name);
  const spec = linkMapSpec(linkMap(schemes), names, { subtitle: ['a pair'], measured });
  const { svg, warnings } = await renderSvg(spec);
  const labels = [...svg.matchAll(/>([^<]+)<\/text>/g)].map((match) => match[1] ?? '');
  return { svg, warnings, labels };
}

describe('the picture of a map of links', () => {
  it('is drawn without complaints, in colours that have a dark one', async () => {
    const { svg, warnings } = await drawn(SCHEMES);
    expect(warnings).toEqual([]);
    const known = new Set(COLOR_PAIRS.map(({ light }) => light));
    const colors = [...svg.matchAll(/="(#[0-9a-f]+)"/gi)].map((match) => match[1] ?? '');
    expect(colors.filter((color) => !known.has(color))).toEqual([]);
  });

  it('has the speed of each link, and names the schemes that win somewhere', async () => {
    const { labels } = await drawn(SCHEMES);
    const map = linkMap(SCHEMES);
    const count = map.roundTripsMs.length * map.rates.length;
    // The device alone writes 20 tokens a second on any link.
    expect(labels.filter((label) => label === '20').length).toBeGreaterThan(10);
    expect(labels.length).toBeGreaterThan(count);
    expect(labels).toContain('device');
    expect(labels).toContain('every');
    expect(labels).not.toContain('never');
    expect(labels).toContain('a pair');
  });

  it('keeps the colour of a scheme when others win elsewhere', async () => {
    const fill = async (schemes: readonly MapScheme[]): Promise<string | undefined> => {
      const { svg } = await drawn(schemes);
      return /aria-label="symbol"|fill="(#[0-9a-f]+)"[^>]*stroke="white"/i.exec(svg)?.[1];
    };
    const [, , every] = SCHEMES;
    const slow = [scheme('device', 1e6, 0), scheme('never', 1e6, 0), every ?? expect.fail('three')];
    const alone = await fill(slow);
    expect(alone).toBeDefined();
    const { svg } = await drawn(SCHEMES);
    expect(svg).toContain(`fill="${alone}"`);
  });

  it('marks measured links', async () => {
    const circles = async (measured: { roundTripMs: number; rate: number }[]): Promise<number> => {
      const { svg } = await drawn(SCHEMES, measured);
      return svg.split('stroke-width="2"').length;
    };
    const one = await circles([{ roundTripMs: 20, rate: 1e6 }]);
    expect(one - (await circles([]))).toBe(1);
  });
});
