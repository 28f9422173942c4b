/** Every picture that a result has the data for, in the order of the page. */
import type { EvaluationResult } from '../../evaluation/results.ts';
import { UNITS } from '../../strategy/method.ts';
import type { MethodStyle } from '../../strategy/method-style.ts';
import { controlsOf, strategiesOf } from '../curves.ts';
import { strategyStyles } from '../strategy-styles.ts';
import { UNIT_NOUNS } from '../wording.ts';
import {
  accuracyData,
  FLOPS,
  predictedTime,
  shareData,
  WEIGHT_TRAFFIC,
  WRITTEN_FLOPS,
} from './accuracy-data.ts';
import { accuracyPicture } from './accuracy-picture.ts';
import { calibrationPicture, scoresPicture, shownGates } from './gate-pictures.ts';
import type { Picture } from './picture.ts';
import { stepPictures } from './step-pictures.ts';

export function allPictures(result: EvaluationResult): Picture[] {
  const styles = strategyStyles(strategiesOf(result.results), controlsOf(result));
  return [
    ...sharePictures(result, styles),
    ...writtenPicture(result, styles),
    accuracyPicture(result, accuracyData(result, FLOPS), {
      name: 'accuracy-generated-flops',
      title: 'Accuracy against generated FLOPs',
      styles,
      hasFront: false,
    }),
    accuracyPicture(result, accuracyData(result, WEIGHT_TRAFFIC), {
      name: 'accuracy-weight-traffic',
      title: 'Accuracy against weight traffic',
      styles,
      hasFront: true,
    }),
    ...timePictures(result, styles),
    ...acceptancePictures(result, styles),
    ...(shownGates(result).length > 0 ? [scoresPicture(result), calibrationPicture(result)] : []),
  ];
}

/** Where no model scores the tokens of another, written FLOPs are the generated ones. */
function writtenPicture(
  result: EvaluationResult,
  styles: ReadonlyMap<string, MethodStyle>,
): Picture[] {
  const differs = result.results.some(
    ({ writtenFlopsRatio: written, generatedFlopsRatio }) =>
      written !== null && written !== generatedFlopsRatio,
  );
  if (!differs) return [];
  const title = 'Accuracy against written FLOPs';
  const name = 'accuracy-written-flops';
  const data = accuracyData(result, WRITTEN_FLOPS);
  return [accuracyPicture(result, data, { name, title, styles, hasFront: false })];
}

/** Shares of different units are different quantities: each has a picture of its own. */
function sharePictures(
  result: EvaluationResult,
  styles: ReadonlyMap<string, MethodStyle>,
): Picture[] {
  const kinds = UNITS.flatMap((unit) => {
    const behind = unit === 'token' ? '' : `-${unit}`;
    const who = `methods that choose ${UNIT_NOUNS[unit]}`;
    return [
      {
        data: shareData(result, unit, 'largeShare'),
        name: `accuracy-large-share${behind}`,
        title: `Accuracy against large share: ${who}`,
      },
      {
        data: shareData(result, unit, 'transmittedShare'),
        name: `accuracy-transmitted-share${behind}`,
        title: 'Accuracy against the share of transmitted drafts',
      },
    ];
  });
  return kinds
    .filter(({ data }) => data.points.length > 0)
    .map(({ data, name, title }) =>
      accuracyPicture(result, data, { name, title, styles, hasFront: false }),
    );
}

function timePictures(
  result: EvaluationResult,
  styles: ReadonlyMap<string, MethodStyle>,
): Picture[] {
  const profiles = new Set(result.results.flatMap(({ timeRatios }) => Object.keys(timeRatios)));
  const taken = new Set<string>();
  return [...profiles].map((profile) => {
    const name = freeName(`accuracy-time-${fileNamePart(profile)}`, taken);
    const title = `Accuracy against predicted time on ${profile}`;
    const data = accuracyData(result, predictedTime(profile));
    return accuracyPicture(result, data, { name, title, styles, hasFront: false });
  });
}

function acceptancePictures(
  result: EvaluationResult,
  styles: ReadonlyMap<string, MethodStyle>,
): Picture[] {
  const taken = new Set<string>();
  return stepPictures(result, styles, (strategy) =>
    freeName(`steps-${fileNamePart(strategy)}`, taken),
  );
}

/** Letters, digits and dashes only: names come from files and may be paths. */
export function fileNamePart(text: string): string {
  const part = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60);
  return part === '' ? 'x' : part;
}

/** The name, numbered if it is taken; marks the result as taken. */
export function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let count = 2; taken.has(name); count += 1) name = `${wanted}-${count}`;
  taken.add(name);
  return name;
}
