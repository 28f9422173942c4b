/**
 * Measures how often the 95 % intervals of an evaluation contain the truth, over drawn worlds whose
 * truth is known, and the time that the bootstrap of a whole evaluation takes. Prints Markdown; takes
 * minutes.
 *
 *   npm run --silent bench:intervals
 */
import { curvePoint } from '../src/evaluation/curves/curve-point.ts';
import { summariseCurve } from '../src/evaluation/curves/summarise-curve.ts';
import { coverage, type Measured } from '../src/evaluation/fakes/coverage.ts';
import { fullDesign } from '../src/evaluation/screening/sample-design.ts';
import { drawReplicates } from '../src/evaluation/statistics/bootstrap.ts';

const WORLDS: Readonly<Record<Measured, number>> = {
  share: 5_000,
  difference: 5_000,
  bootstrapDifference: 1_000,
  apgr: 1_000,
  comparison: 1_000,
};
const REPLICATES = 499;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function printCoverage(): void {
  print(
    '| interval | questions | concordant ones answered | worlds | holds the truth | mean width |',
  );
  print('|---|---|---|---|---|---|');
  for (const questionCount of [200, 600]) {
    for (const concordantShare of [null, 0.4, 0.2]) {
      for (const measured of Object.keys(WORLDS) as Measured[]) {
        const worldCount = WORLDS[measured];
        const study = { worldCount, questionCount, concordantShare, replicateCount: REPLICATES };
        const { share, width } = coverage(study, measured);
        const answered = concordantShare === null ? 'all' : `${concordantShare * 100} %`;
        const held = `${(share * 100).toFixed(1)} %`;
        print(
          `| ${measured} | ${questionCount} | ${answered} | ${worldCount} | ${held} | ${width.toFixed(3)} |`,
        );
      }
    }
  }
}

/** 8 curves of 8 points, 1,000 questions, 2,000 replicates. */
function printTime(): void {
  const questions = Array.from({ length: 1000 }, (_, index) => index);
  const pointAt = (part: number) =>
    curvePoint(part, [
      {
        isRight: questions.map((index) => (index * 7919) % 1000 < 300 + 400 * part),
        costNumerator: questions.map((index) => part * (50 + (index % 90))),
        costDenominator: questions.map((index) => 50 + (index % 90)),
      },
    ]);
  const points = questions.slice(1, 9).map((index) => pointAt(index / 9));
  const anchors = { small: pointAt(0), large: pointAt(1) };
  const start = performance.now();
  const replicates = drawReplicates(fullDesign(questions.length), { seed: 1 });
  const drawn = performance.now();
  for (let curve = 0; curve < 8; curve += 1) {
    summariseCurve({ axis: 'largeShare', points, anchors }, replicates);
  }
  const done = performance.now();
  print(`\nWeights ${(drawn - start).toFixed(0)} ms, 8 curves ${(done - drawn).toFixed(0)} ms.`);
}

printCoverage();
printTime();
