import { describe, expect, it } from 'vitest';
import type { EvaluationResult, GateBin } from '../../evaluation/results.ts';
import { fakeResult } from '../fakes/evaluation-result.ts';
import { renderSvg } from '../render-svg.ts';
import { COLOR_PAIRS } from '../strategy-styles.ts';
import { allPictures, fileNamePart, freeName } from './all-pictures.ts';
import type { Picture } from './picture.ts';

const RESULT = fakeResult();
const PICTURES = allPictures(RESULT);

function picture(name: string, pictures: readonly Picture[] = PICTURES): Picture {
  return pictures.find((one) => one.name === name) ?? expect.fail(`no picture ${name}`);
}

/** All values of the given key in a specification, at any depth. */
function all(value: unknown, key: string): unknown[] {
  if (Array.isArray(value)) return value.flatMap((item) => all(item, key));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) =>
    name === key ? [item, ...all(item, key)] : all(item, key),
  );
}

/** The data rows of all layers whose mark is of the given type. */
function rowsOf(spec: unknown, type: string): Record<string, unknown>[] {
  return all(spec, 'layer')
    .flat()
    .filter((layer) => all(layer, 'mark').some((mark) => all(mark, 'type').includes(type)))
    .flatMap((layer) => all(layer, 'values').flat() as Record<string, unknown>[]);
}

function strategies(one: Picture): Set<unknown> {
  return new Set(rowsOf(one.spec, 'line').map(({ strategy }) => strategy));
}

function only(...names: string[]): EvaluationResult {
  return { ...RESULT, results: RESULT.results.filter(({ strategy }) => names.includes(strategy)) };
}

interface DrawnScale {
  readonly domain?: readonly string[];
  readonly range?: readonly (string | readonly number[])[];
}

describe('allPictures', () => {
  it('draws everything that there is data for', () => {
    expect(PICTURES.map(({ name }) => name)).toEqual([
      'accuracy-large-share',
      'accuracy-transmitted-share',
      'accuracy-large-share-query',
      'accuracy-written-flops',
      'accuracy-generated-flops',
      'accuracy-weight-traffic',
      'accuracy-time-rtx-4090',
      'accuracy-time-this-machine',
      'scores',
      'calibration',
    ]);
  });

  it('never draws methods of different units against one share', () => {
    expect(strategies(picture('accuracy-large-share'))).toEqual(
      new Set(['random', 'entropy', 'margin']),
    );
    expect(strategies(picture('accuracy-transmitted-share'))).toEqual(
      new Set(['u-hlm', 'random-transmission']),
    );
    expect(strategies(picture('accuracy-large-share-query'))).toEqual(
      new Set(['router', 'random-query']),
    );
    expect(strategies(picture('accuracy-generated-flops')).size).toBe(8);
  });

  it('puts points at their cost and accuracy, and the random gate into a band', () => {
    const { spec } = picture('accuracy-large-share');
    const entropy = RESULT.results.filter(({ strategy }) => strategy === 'entropy');
    const drawn = rowsOf(spec, 'point').filter(({ strategy }) => strategy === 'entropy');
    expect(drawn.map(({ cost, accuracy }) => [cost, accuracy])).toEqual(
      entropy.map(({ largeShare, accuracy }) => [largeShare, accuracy]),
    );
    const band = rowsOf(spec, 'area');
    expect(band).toHaveLength(7);
    expect(new Set(band.map(({ strategy }) => strategy))).toEqual(new Set(['random']));
    for (const { low, accuracy, high } of band) {
      expect(Number(low)).toBeLessThan(Number(accuracy));
      expect(Number(high)).toBeGreaterThan(Number(accuracy));
    }
  });

  it('places the models alone, by definition where they were not measured', () => {
    const texts = rowsOf(picture('accuracy-large-share').spec, 'text').map(({ text }) => text);
    expect(texts).toEqual(['small alone 40.5 %', 'large alone 72.0 %']);
    const rows = picture('accuracy-transmitted-share').numbers.rows;
    expect(rows.slice(0, 2).map(([name, cost]) => [name, cost])).toEqual([
      ['small', '0.0 %'],
      ['large', '100.0 %'],
    ]);
  });

  it('marks the Pareto front on weight traffic, and there alone', () => {
    const rings = (name: string): unknown[] =>
      all(picture(name).spec, 'layer')
        .flat()
        .filter((layer) => all(layer, 'interpolate').includes('step-after'))
        .flatMap((layer) => all(layer, 'values').flat());
    expect(rings('accuracy-generated-flops')).toEqual([]);
    const marked = rings('accuracy-weight-traffic') as { name: string; isOnFront: boolean }[];
    expect(marked.length).toBeGreaterThan(3);
    expect(marked.every(({ isOnFront }) => isOnFront)).toBe(true);
  });

  it('gives a strategy the same style in every picture', () => {
    const looks = new Map<string, Set<string>>();
    for (const { spec } of PICTURES) {
      for (const scale of all(spec, 'scale') as DrawnScale[]) {
        scale.range?.forEach((look, place) => {
          const name = scale.domain?.[place] ?? '';
          const text = String(look);
          const kind = typeof look !== 'string' ? 'dash' : text.startsWith('#') ? 'color' : 'shape';
          const key = `${name} ${kind}`;
          looks.set(key, (looks.get(key) ?? new Set()).add(text));
        });
      }
    }
    expect(looks.size).toBeGreaterThan(24);
    for (const [name, seen] of looks) expect([name, seen.size]).toEqual([name, 1]);
  });

  it('describes a picture in words and numbers', () => {
    for (const { alt, numbers, title } of PICTURES) {
      expect(alt).toMatch(/The numbers follow as a table\.$/);
      expect(numbers.caption).toBe(title);
      expect(numbers.rows.length).toBeGreaterThan(5);
      for (const row of numbers.rows) expect(row).toHaveLength(numbers.columns.length);
    }
  });

  it('draws a result with few data', async () => {
    const alone = { ...only('small', 'large'), gates: [], comparisons: [] };
    const without = allPictures(alone);
    expect(without.map(({ name }) => name)).not.toContain('accuracy-large-share');
    const single = {
      ...RESULT.results[0],
      strategy: 'random',
      unit: 'token',
      accuracy: 1,
    } as const;
    const few = allPictures({ ...only('random'), results: [{ ...single, ...PERFECT }] } as never);
    for (const { spec } of [...without, ...few]) {
      const { svg, warnings } = await renderSvg(spec);
      expect(warnings).toEqual([]);
      expect(svg).not.toContain('NaN');
    }
  });
});

const PERFECT = { accuracy: 1, accuracyLow: 1, accuracyHigh: 1, threshold: 0.5 };

describe('pictures of gates', () => {
  const gated = (bins: readonly GateBin[]): Picture[] =>
    allPictures({ ...RESULT, gates: [{ gate: 'g', tokenCount: 1, auc: null, bins }] });
  const bin = (from: number, to: number, agreeCount: number, differCount: number): GateBin => ({
    from,
    to,
    agreeCount,
    differCount,
  });

  it('show the shares of each class, which add up to 1', () => {
    const [panel] = all(picture('scores').spec, 'concat').flat();
    const shares = rowsOf(panel, 'bar').map(({ share }) => Number(share));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
    // The outline of the differing tokens has two corners for each bar.
    const corners = rowsOf(panel, 'line').map(({ share }) => Number(share));
    expect(corners).toHaveLength(2 * shares.length);
    expect(corners.reduce((sum, share) => sum + share, 0)).toBeCloseTo(2, 12);
  });

  it('show how often tokens differ, with intervals and without empty bins', () => {
    const { spec, numbers } = picture('calibration', gated([bin(0, 1, 15, 5), bin(1, 2, 0, 0)]));
    const [point] = rowsOf(spec, 'point');
    expect(rowsOf(spec, 'point')).toHaveLength(1);
    expect(point).toMatchObject({ score: 0.5, share: 0.25 });
    expect(Number(point?.['low'])).toBeCloseTo(0.1119, 4);
    expect(numbers.rows).toEqual([['g', '0 to 1', '20', '25.0 %', '11.2 to 46.9 %']]);
    expect(all(spec, 'subtitle').flat().join(' ')).toContain('as if tokens were independent');
  });

  it('give different names to bins that lie close', () => {
    const { numbers } = picture('scores', gated([bin(1, 0.99998, 15, 5), bin(0.99997, 0.5, 3, 1)]));
    expect(numbers.rows.map(([, score]) => score)).toEqual(['1 to 0.99998', '0.99997 to 0.5']);
  });

  it('show token counts as integers, also where questions represent several', () => {
    const { spec } = picture('scores', gated([bin(0, 1, 1500.25, 20.125)]));
    expect(all(spec, 'subtitle').flat()).toContain('1,520 tokens');
  });

  it('are absent without tokens', () => {
    const names = gated([bin(0, 1, 0, 0)]).map(({ name }) => name);
    expect(names).not.toContain('scores');
    expect(names).not.toContain('calibration');
  });
});

describe('renderSvg', () => {
  it('draws without complaints, in colours that have a dark one', async () => {
    const known = new Set(COLOR_PAIRS.map(({ light }) => light));
    for (const { spec, name } of PICTURES) {
      const { svg, warnings } = await renderSvg(spec);
      expect([name, warnings]).toEqual([name, []]);
      const colors = new Set([...svg.matchAll(/="(#[0-9a-f]+)"/gi)].map((match) => match[1]));
      expect(colors.size).toBeGreaterThan(3);
      expect([...colors].filter((color) => !known.has(color ?? ''))).toEqual([]);
    }
  });

  it('labels no two ticks of an axis alike', async () => {
    for (const { spec, name } of PICTURES) {
      const { svg } = await renderSvg(spec);
      const axes = svg.split('class="mark-text role-axis-label"').slice(1);
      expect(axes.length).toBeGreaterThan(1);
      for (const axis of axes) {
        const texts = [...(axis.split('role-axis-')[0]?.matchAll(/>([^<]+)<\/text>/g) ?? [])];
        const labels = texts.map((match) => match[1]);
        expect(labels.length).toBeGreaterThan(2);
        expect([name, labels]).toEqual([name, [...new Set(labels)]]);
      }
    }
  });

  it('shortens names that are longer than the picture', async () => {
    const long = 'long/'.repeat(200);
    const results = RESULT.results.map((point) => ({
      ...point,
      strategy: point.strategy === 'router' ? long : point.strategy,
      timeRatios: { [long]: 1 },
    }));
    const small = { name: long, digest: 'a' };
    const gates = RESULT.gates.map((gate) => ({ ...gate, gate: long }));
    const pictures = allPictures({
      ...RESULT,
      models: { ...RESULT.models, small },
      results,
      gates,
    });
    for (const { spec, name } of pictures) {
      const { svg } = await renderSvg(spec);
      const width = Number(/width="(\d+)"/.exec(svg)?.[1]);
      expect([name, width < 1000]).toEqual([name, true]);
    }
  });
});

describe('file names', () => {
  it('contain no path characters', () => {
    expect(fileNamePart('../../etc/Pass wd')).toBe('etc-pass-wd');
    expect(fileNamePart('///')).toBe('x');
    expect(fileNamePart('a'.repeat(500)).length).toBe(60);
  });

  it('are numbered if they are taken', () => {
    const taken = new Set<string>();
    expect(['a', 'a', 'b', 'a'].map((name) => freeName(name, taken))).toEqual([
      'a',
      'a-2',
      'b',
      'a-3',
    ]);
  });
});
