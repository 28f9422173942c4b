/**
 * Chooses the questions to run after both models alone have answered all of them. Strategies differ
 * mostly where the models do. So every question that only one model gets right runs, and a random
 * sample of the others.
 */
import { invariant } from '../../core/invariant.ts';
import { noiseBits, noiseKey } from '../../core/noise.ts';
import { type SampleDesign, sampleDesign } from './sample-design.ts';

/** Strata of screened questions: both wrong, the small model alone right, the large one alone, both. */
const STRATUM_COUNT = 4;

export function screeningStratum(isSmallRight: boolean, isLargeRight: boolean): number {
  return (isSmallRight ? 1 : 0) + (isLargeRight ? 2 : 0);
}

/** Whether both models are right or both are wrong. */
function isConcordant(stratum: number): boolean {
  return stratum === 0 || stratum === STRATUM_COUNT - 1;
}

export interface SampleChoice {
  /** The questions to run of those on which the models are equally right: a share, or a count. */
  readonly concordant: { readonly share: number } | { readonly count: number };
  /** The fewest questions per stratum, or all of a smaller stratum: 2 are needed for a variance. */
  readonly minimumPerStratum: number;
  readonly seed: number;
}

export interface ScreenedSample {
  /** Positions of the questions to run, ascending. */
  readonly positions: readonly number[];
  readonly design: SampleDesign;
}

/**
 * With the same seed, a larger share or count keeps the questions of the smaller one, so that a run
 * can be extended. A count is distributed over the strata by their sizes.
 * @param strata `screeningStratum` of each question
 */
export function chooseSample(strata: readonly number[], choice: SampleChoice): ScreenedSample {
  const members: number[][] = Array.from({ length: STRATUM_COUNT }, () => []);
  for (const [position, stratum] of strata.entries()) {
    const list = members[stratum];
    invariant(list !== undefined, `no stratum ${stratum}`);
    list.push(position);
  }
  const concordantCount = members.reduce(
    (sum, list, stratum) => sum + (isConcordant(stratum) ? list.length : 0),
    0,
  );
  const share = concordantShare(choice, concordantCount);
  const chosen = members.flatMap((list, stratum) => {
    if (!isConcordant(stratum)) return list;
    const wanted = Math.max(Math.round(share * list.length), choice.minimumPerStratum);
    return firstByLot(list, stratum, choice.seed).slice(0, wanted);
  });
  const positions = chosen.sort((first, second) => first - second);
  const chosenStrata = positions.map((position) => strata[position] ?? 0);
  const sizes = members.map((list) => list.length);
  return { positions, design: sampleDesign(chosenStrata, sizes) };
}

function concordantShare({ concordant, minimumPerStratum }: SampleChoice, of: number): number {
  invariant(minimumPerStratum >= 2, `a minimum of ${minimumPerStratum} leaves no variance`);
  const share = 'share' in concordant ? concordant.share : concordant.count / Math.max(1, of);
  invariant(share >= 0, `a share of ${share}`);
  return Math.min(1, share);
}

/** Shuffles by seed, stratum and position: every prefix of the order is a random sample. */
function firstByLot(positions: readonly number[], stratum: number, seed: number): number[] {
  const key = noiseKey(seed, stratum, 'sample');
  const lots = positions.map((position) => ({ position, lot: noiseBits(key, position) }));
  lots.sort((first, second) => first.lot - second.lot || first.position - second.position);
  return lots.map(({ position }) => position);
}
