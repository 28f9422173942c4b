/** `pilotfish calibrate`: which threshold of a router gives which share and which quality. */
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Calibrated, CalibrateOptions } from '../../app/calibrate.ts';
import { definedFields } from '../../core/defined-fields.ts';
import { WAVE_SIZE_MAX } from '../../evaluation/run/sequence-counts.ts';
import type { ReliabilitySeries } from '../../report/pictures/reliability-picture.ts';
import type { CliDependencies } from '../cli-dependencies.ts';
import { type CliIo, withoutColor } from '../io.ts';
import { addPairOptions, type PairFlags, pairOptions } from '../options/generation-options.ts';
import { integerFrom, numberParser } from '../options/parse-number.ts';
import { shareParser, sharesParser } from '../options/parse-shares.ts';
import {
  addQuestionOptions,
  type QuestionFlags,
  questionOptions,
} from '../options/question-options.ts';
import { progressBar } from '../rendering/progress-bar.ts';
import { renderCalibration } from '../rendering/render-calibration.ts';

interface CalibrateFlags extends QuestionFlags, PairFlags {
  readonly share?: number;
  readonly quality?: number;
  readonly shares?: readonly number[];
  readonly maxTokens?: number;
  readonly wave?: number;
  readonly out?: string;
  readonly file?: string;
  readonly json?: boolean;
  readonly color: boolean;
}

const NOTES = `Runs the router at several thresholds on questions that it was not trained on, or on a user's
own prompts (--traffic, without answers), and writes what it found into the router's file:
from then on NAME@30% is a share that was measured. Answers are kept in --out.

Examples:
  pilotfish calibrate citer.safetensors --task pocket --pair pocket --split train --from 5000 --count 200
  pilotfish calibrate router.safetensors --traffic prompts.jsonl --share 10%
  pilotfish calibrate router.safetensors --task mine.jsonl --quality 95%`;

export function registerCalibrate(
  program: Command,
  io: CliIo,
  dependencies: CliDependencies,
): void {
  const count = (name: string, max: number) => numberParser(name, integerFrom(1, max));
  const command = addQuestionOptions(
    program
      .command('calibrate')
      .argument('<ROUTER>', 'the file of a router')
      .summary('find thresholds of a router for shares and qualities')
      .description('Measures which threshold of a router gives which share and which quality.'),
    'train',
  )
    .option('--traffic <FILE>', 'instead of a task: prompts without answers, as JSON lines')
    .option(
      '--share <SHARE>',
      'tokens that it calls by default from then on',
      shareParser('--share'),
    )
    .option(
      '--quality <SHARE>',
      'instead: the part of the gap that it recovers by default; without answers, of the tokens ' +
        "that come out as the large model's",
      shareParser('--quality'),
    )
    .option('--shares <LIST>', 'shares of tokens at which it is run', sharesParser('--shares'))
    .option(
      '--max-tokens <N>',
      'tokens of an answer at most (default: 512)',
      count('--max-tokens', 100_000),
    )
    .option('--wave <N>', 'questions side by side (default: 16)', count('--wave', WAVE_SIZE_MAX));
  addPairOptions(command)
    .option('--out <FOLDER>', 'where answers are kept (default: calibration/ROUTER)')
    .option(
      '--file <FILE>',
      "where the calibrated router is written (default: the router's own file)",
    )
    .option('--json', 'print one JSON object')
    .option('--no-color', 'no colours')
    .addHelpText('after', `\n${NOTES}`)
    .action(async (router: string, flags: CalibrateFlags) => {
      await run(router, flags, flags.color ? io : withoutColor(io), dependencies);
    });
}

async function run(
  router: string,
  flags: CalibrateFlags,
  io: CliIo,
  dependencies: CliDependencies,
): Promise<void> {
  const bar = progressBar(io);
  const folder = flags.out ?? defaultFolder(router);
  try {
    const calibrated = await dependencies.calibrate({
      ...calibrateOptions(router, flags, folder),
      signal: io.signal,
      onProgress: bar.onProgress,
      onNotice: bar.onNotice,
    });
    const picture = join(folder, 'reliability.png');
    await dependencies.drawReliability(diagram(calibrated, picture));
    bar.stop();
    if (flags.json === true) {
      const { path, isGraded, calibration, agreement } = calibrated;
      const { defaultThreshold } = calibrated.router;
      const printed = { path, picture, isGraded, defaultThreshold, calibration, agreement };
      io.out(`${JSON.stringify(printed)}\n`);
    } else io.out(renderCalibration(calibrated, picture, io.color));
  } finally {
    bar.stop();
  }
}

/** What the scores were trained to say, and how they go with what both models agree on. */
function diagram({ router, agreement, calibration }: Calibrated, path: string) {
  const series: ReliabilitySeries[] = [
    { name: 'held-out labels', points: router.reliability },
    {
      name: 'both models agree',
      points: agreement.bins.flatMap(({ meanPredicted, observedShare, rowCount }) =>
        meanPredicted === null || observedShare === null
          ? []
          : [{ predicted: meanPredicted, observed: observedShare, count: rowCount }],
      ),
    },
  ];
  const { small, large } = router.pair;
  const subtitle = `${small.name} → ${large.name}; agreement on ${calibration.on}`;
  return { title: `What scores of ${router.strategy} mean`, subtitle, series, path };
}

function calibrateOptions(
  routerFile: string,
  flags: CalibrateFlags,
  folder: string,
): CalibrateOptions {
  return {
    ...questionOptions(flags),
    ...pairOptions(flags),
    ...definedFields({
      share: flags.share,
      quality: flags.quality,
      shares: flags.shares,
      maxTokens: flags.maxTokens,
      waveSize: flags.wave,
      file: flags.file,
    }),
    routerFile,
    folder,
  };
}

function defaultFolder(router: string): string {
  const name = router.replace(/\.safetensors$/, '');
  return join('calibration', name.replaceAll(/[^\w.-]+/g, '-'));
}
