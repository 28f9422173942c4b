import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { linkMap } from '../channel/link-map.ts';
import { drawLinkMap } from './draw-link-map.ts';
import type { MeasuredLink } from './measure-link.ts';

const MEASURED: MeasuredLink = {
  ...{ title: 'tiny → huge, temperature 1', machines: null, radio: null, temperature: 1, seed: 0 },
  ...{ roundTripMs: 20, upRate: 1e6, downRate: 1e6, schemes: [], keep: 0.975, isQuiet: true },
  map: linkMap([{ name: 'hlm:ids', timeOver: () => ({ ms: 50 }) }]),
  ...{ hasAccuracies: false, emulation: 'a relay shapes the link' },
};

it('a map of links says in full how to read it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pilotfish-map-'));
  try {
    for (const hasAccuracies of [false, true]) {
      const path = join(folder, 'map.svg');
      await drawLinkMap({ ...MEASURED, hasAccuracies }, path);
      const svg = await readFile(path, 'utf8');
      expect(svg).toContain('Numbers: tokens per second. Circle: measured.');
      expect(svg).toContain(hasAccuracies ? 'keep 97.5 %' : 'whatever their accuracy.');
      // Text that is too long ends with an ellipsis.
      expect(svg).not.toContain('…');
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
