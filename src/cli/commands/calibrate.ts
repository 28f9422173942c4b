/** `pilotfish calibrate`: the share and quality that each threshold of a head gives. */
import { join } from 'node:path';
import type { Command } from 'commander';
import type { CalibrateOptions } from '../../app/calibrate.ts';
import { WAVE_SIZE_MAX } from '../../evaluation/run/sequence-counts.ts';
import type { CliDependencies } from '../cli-dependencies.ts';
import { type CliIo, withoutColor } from '../io.ts';
import { defaultFolder } from '../options/default-folder.ts';
import {
  addFlags,
  count,
  type FlagTable,
  readFlags,
  share,
  shares,
  text,
} from '../options/flags.ts';
import { PAIR_FLAGS } from '../options/pair-flags.ts';
import { answeringFlags, questionFlags, TRAFFIC_FLAGS } from '../options/question-flags.ts';
import { progressBar } from '../rendering/progress-bar.ts';
import { renderCalibration } from '../rendering/render-calibration.ts';

/** The options that no table reads. */
interface OtherOptions {
  readonly out?: string;
  readonly json?: boolean;
  readonly color: boolean;
}

const NOTES = `Runs the router at several thresholds on questions that it was not trained on, or on a user's
own prompts (--traffic, without answers), and writes the results into the router's file: from
then on NAME@30% is a measured share, for questions like these and between the least and the
largest share that was run. Answers are kept in --out. A reward is replayed at every state that mixtures
of both models' steps reach: NAME@5% is then a share of rejected steps.

Examples:
  pilotfish calibrate citer.safetensors --task pocket --pair pocket --split train --from 5000 --count 200
  pilotfish calibrate router.safetensors --traffic prompts.jsonl --share 10%
  pilotfish calibrate router.safetensors --task mine.jsonl --quality 95%`;

const STATE_COUNT_MAX = 4096;

const THRESHOLD_FLAGS: FlagTable<
  Pick<CalibrateOptions, 'share' | 'quality' | 'shares' | 'stateCountMax'>
> = {
  share: share(
    '--share <SHARE>',
    'the share of tokens (of steps, for a reward) of the large model by default from then on',
  ),
  quality: share(
    '--quality <SHARE>',
    'instead: the part of the gap that it recovers by default; without answers, of the tokens ' +
      "that come out as the large model's",
  ),
  shares: shares(
    '--shares <LIST>',
    'shares of tokens at which a router is run, or of steps at which a reward is replayed',
  ),
  stateCountMax: count(
    '--states <N>',
    'for a reward: the most states of a question at which the small model drafts (default: 64)',
    STATE_COUNT_MAX,
  ),
};

const RUN_FLAGS = {
  ...{ ...questionFlags('train'), ...TRAFFIC_FLAGS, ...THRESHOLD_FLAGS },
  ...{ ...answeringFlags(WAVE_SIZE_MAX), ...PAIR_FLAGS },
};

const FILE_FLAGS: FlagTable<Pick<CalibrateOptions, 'file'>> = {
  file: text('--file <FILE>', 'where the calibrated head is written (default: its own file)'),
};

export function registerCalibrate(
  program: Command,
  io: CliIo,
  dependencies: CliDependencies,
): void {
  const command = program
    .command('calibrate')
    .argument('<HEAD>', 'the file of a router or a reward')
    .summary('find thresholds of a router or a reward for shares and qualities')
    .description('Measures which threshold of a head gives which share and which quality.');
  addFlags(command, RUN_FLAGS).option(
    '--out <FOLDER>',
    'where answers are kept (default: calibration/HEAD)',
  );
  addFlags(command, FILE_FLAGS)
    .option('--json', 'print one JSON object')
    .option('--no-color', 'no colours')
    .addHelpText('after', `\n${NOTES}`)
    .action(async (headFile: string, parsed: OtherOptions) => {
      const folder = parsed.out ?? folderFor(headFile);
      const options = { ...readFlags({ ...RUN_FLAGS, ...FILE_FLAGS }, parsed), headFile, folder };
      await run(options, parsed, parsed.color ? io : withoutColor(io), dependencies);
    });
}

async function run(
  options: CalibrateOptions,
  { json }: OtherOptions,
  io: CliIo,
  { calibrate, drawCalibration }: CliDependencies,
): Promise<void> {
  const bar = progressBar(io);
  try {
    const { onProgress, onNotice } = bar;
    const calibrated = await calibrate({ ...options, signal: io.signal, onProgress, onNotice });
    const picture = join(options.folder, 'reliability.png');
    await drawCalibration(calibrated, picture);
    bar.stop();
    if (json === true) {
      const { path, isGraded, calibration, agreement } = calibrated;
      const { defaultThreshold } = calibrated.head;
      const printed = { path, picture, isGraded, defaultThreshold, calibration, agreement };
      io.out(`${JSON.stringify(printed)}\n`);
    } else io.out(renderCalibration(calibrated, picture, io.color));
  } finally {
    bar.stop();
  }
}

function folderFor(headFile: string): string {
  return defaultFolder('calibration', [headFile.replace(/\.safetensors$/, '')]);
}
