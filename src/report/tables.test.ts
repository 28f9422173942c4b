import { describe, expect, it } from 'vitest';
import { fakeResult } from './fakes/evaluation-result.ts';
import { fakeStepResult } from './fakes/step-result.ts';
import type { NumberTable } from './pictures/picture.ts';
import { resultTables } from './tables.ts';

const RESULT = fakeResult();

function table(tables: readonly NumberTable[], caption: string): NumberTable {
  return tables.find((one) => one.caption.startsWith(caption)) ?? expect.fail(`no ${caption}`);
}

/** The row that begins with the given cells, as an object by column. */
function row({ columns, rows }: NumberTable, ...first: string[]): Record<string, string> {
  const found = rows.find((cells) => first.every((cell, place) => cells[place] === cell));
  return Object.fromEntries(columns.map((name, place) => [name, found?.[place] ?? 'missing']));
}

describe('resultTables', () => {
  const tables = resultTables(RESULT);

  it('has a cell for every column', () => {
    expect(tables).toHaveLength(5);
    for (const { columns, rows } of tables) {
      for (const cells of rows) expect(cells).toHaveLength(columns.length);
    }
  });

  it('shows every point once, seeds averaged', () => {
    const results = table(tables, 'Results');
    const points = new Set(
      RESULT.results.map(({ strategy, threshold }) => `${strategy}${threshold}`),
    );
    expect(results.rows).toHaveLength(points.size);
    expect(row(results, 'random@0.2')).toMatchObject({ seeds: '3', 'large share': '20.0 %' });
    const foreseen = RESULT.results.map((point) => ({ ...point, predictedShare: 0.25 }));
    const expecting = table(resultTables({ ...RESULT, results: foreseen }), 'Results');
    expect(row(expecting, 'random@0.2')).toMatchObject({ expected: '25.0 %' });
    expect(row(results, 'large')).toMatchObject({
      unit: '–',
      accuracy: '72.0 %',
      '95 % interval': '67.4 to 76.2 %',
      'over large': '0.0 (−4.0 to +4.0)',
      'weight traffic': '1.00',
      'time, rtx-4090': '1.00',
      transmitted: '–',
    });
  });

  it('shows every face of cost in one row, and the steps of methods that judge steps', () => {
    const shown = resultTables(fakeStepResult());
    expect(row(table(shown, 'Results'), 'rsd-large-likelihood@0.9')).toMatchObject({
      'large share': '18.0 %',
      'steps rejected': '20.0 %',
      steps: '4.3',
      'weight traffic': '0.36',
      'written FLOPs': '0.22',
      'generated FLOPs': '1.22',
      'processed FLOPs': '0.45',
    });
    expect(row(table(shown, 'Results'), 'large')).toMatchObject({
      'steps rejected': '–',
      steps: '–',
    });
    expect(table(tables, 'Results').columns).not.toContain('steps');
    const written = shown.find(({ caption }) => caption.includes("the models' written FLOPs"));
    expect(written?.rows.map((cells) => cells.slice(0, 3))).toEqual([
      ['rsd-large-likelihood', 'random-step', 'written FLOPs'],
    ]);
  });

  it('shows costs of curves in the unit of their axis', () => {
    const curve = {
      apgr: { value: 0.8, low: 0.7, high: 0.9 },
      cpt50: { value: 0.12, low: 0.1, high: 0.15 },
      cpt80: { value: 0.3, low: null, high: null },
      cpt95: { value: null, low: null, high: null },
    };
    const shown = resultTables({
      ...RESULT,
      summary: { entropy: { axis: 'largeShare', ...curve } },
      summaryByFlops: { entropy: { axis: 'generatedFlopsRatio', ...curve } },
    });
    expect(row(table(shown, 'Curves:'), 'entropy')).toEqual({
      strategy: 'entropy',
      cost: 'large share',
      APGR: '0.80 (0.70 to 0.90)',
      CPT50: '12.0 % (10.0 % to 15.0 %)',
      CPT80: '30.0 %',
      CPT95: 'never',
    });
    expect(row(table(shown, 'Curves against'), 'entropy')).toMatchObject({
      CPT50: '0.12 (0.10 to 0.15)',
    });
  });

  it('shows comparisons with their verdicts', () => {
    const compared = table(tables, 'Compared over 2.5 to 40 % large share');
    expect(row(compared, 'margin', 'random')).toEqual({
      strategy: 'margin',
      'compared with': 'random',
      cost: 'large share',
      difference: '+6.2',
      '95 % interval': '+1.3 to +10.9',
      verdict: 'better',
    });
    expect(row(compared, 'u-hlm')).toMatchObject({ difference: '–', verdict: 'not compared' });
  });

  it('leaves out tables without rows', () => {
    const shown = resultTables({
      ...RESULT,
      comparisons: [],
      summary: {},
      summaryByFlops: {},
      summaryByTraffic: {},
    });
    expect(shown.map(({ caption }) => caption.split(':')[0])).toEqual(['Results']);
  });
});
