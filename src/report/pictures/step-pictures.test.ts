import { describe, expect, it } from 'vitest';
import { fakeResult } from '../fakes/evaluation-result.ts';
import { fakeStepResult } from '../fakes/step-result.ts';
import { renderSvg } from '../render-svg.ts';
import { COLOR_PAIRS } from '../strategy-styles.ts';
import { allPictures } from './all-pictures.ts';
import type { Picture } from './picture.ts';

const RESULT = fakeStepResult();
const PICTURES = allPictures(RESULT);

function picture(name: string): Picture {
  return PICTURES.find((one) => one.name === name) ?? expect.fail(`no picture ${name}`);
}

describe('pictures of accepted steps', () => {
  it('are one for each method that judges steps', () => {
    const names = PICTURES.map(({ name }) => name).filter((name) => name.startsWith('steps-'));
    expect(names).toEqual(['steps-rsd-likelihood', 'steps-rsd-large-likelihood']);
    expect(allPictures(fakeResult()).filter(({ name }) => name.startsWith('steps-'))).toEqual([]);
  });

  it('show the point in the middle by acceptance, and hold the numbers of all', () => {
    const { title, numbers } = picture('steps-rsd-likelihood');
    expect(title).toBe('Accepted steps of rsd-likelihood@0.9');
    expect(numbers.rows).toHaveLength(3 * (4 + 3));
    expect(numbers.rows.filter(([point]) => point === 'rsd-likelihood@0.9')).toEqual([
      ['rsd-likelihood@0.9', '1', '100', '80.0 %', '71.1 to 86.7 %'],
      ['rsd-likelihood@0.9', '2', '80', '77.5 %', '67.2 to 85.3 %'],
      ['rsd-likelihood@0.9', '3', '60', '73.3 %', '61.0 to 82.9 %'],
      ['rsd-likelihood@0.9', 'last', '40', '65.0 %', '49.5 to 77.9 %'],
      ['rsd-likelihood@0.9', '2 operations', '90', '77.8 %', '68.2 to 85.1 %'],
      ['rsd-likelihood@0.9', '3 operations', '90', '66.7 %', '56.4 to 75.5 %'],
      ['rsd-likelihood@0.9', '4 operations', '90', '55.6 %', '45.3 to 65.4 %'],
    ]);
  });

  it('leave out a method that judged no step', () => {
    const nothing = { byPosition: [], byDifficulty: [] };
    const stepAcceptance = RESULT.stepAcceptance.map((one) => ({ ...one, ...nothing }));
    const names = allPictures({ ...RESULT, stepAcceptance }).map(({ name }) => name);
    expect(names.filter((name) => name.startsWith('steps-'))).toEqual([]);
  });

  it('are drawn without complaints, in the order of the steps, in colours that have a dark one', async () => {
    const { svg, warnings } = await renderSvg(picture('steps-rsd-large-likelihood').spec);
    expect(warnings).toEqual([]);
    const known = new Set(COLOR_PAIRS.map(({ light }) => light));
    const colors = [...svg.matchAll(/="(#[0-9a-f]+)"/gi)].map((match) => match[1] ?? '');
    expect(colors.filter((color) => !known.has(color))).toEqual([]);
    const labels = [...svg.matchAll(/>([^<]+)<\/text>/g)].map((match) => match[1] ?? '');
    const groups = labels.filter((label) => /^(\d|last|\d operations)$/.test(label));
    const names = ['1', '2', '3', 'last', '2 operations', '3 operations', '4 operations'];
    expect(groups).toEqual(names);
  });
});
