/**
 * The real dependencies of the commands. Heavy and native modules are loaded when they are first used.
 */
import { readFileSync } from 'node:fs';
import { invariant } from '../core/invariant.ts';
import { METHODS } from '../strategy/methods.ts';
import { labelsOf, parseStrategy } from '../strategy/strategy-value.ts';
import type { CliDependencies } from './cli-dependencies.ts';

export function loadDependencies(): CliDependencies {
  return {
    version: packageVersion(),
    methods: METHODS,
    parseStrategy,
    labelsOf,
    openEngine: async (options) => {
      const { openEngine } = await import('../app/open-engine.ts');
      return openEngine(options);
    },
    runHub: async (options) => {
      const { runHub } = await import('../app/run-hub.ts');
      return runHub(options);
    },
    runServer: async (options) => {
      const { runServer } = await import('../app/run-server.ts');
      return runServer(options);
    },
    measureSteps: async (options) => {
      const { measureSteps } = await import('../app/measure-steps.ts');
      return measureSteps(options);
    },
    measureLink: async (options) => {
      const { measureLink } = await import('../app/measure-link.ts');
      return measureLink(options);
    },
    drawLinkMap: async (measured, path) => {
      const { drawLinkMap } = await import('../app/draw-link-map.ts');
      await drawLinkMap(measured, path);
    },
    recost: async (options) => {
      const { recost } = await import('../app/recost.ts');
      return recost(options);
    },
    evaluate: async (options) => {
      const { evaluate } = await import('../app/evaluate.ts');
      return evaluate(options);
    },
    advise: async (options) => {
      const { advise } = await import('../app/advise.ts');
      return advise(options);
    },
    calibrate: async (options) => {
      const { calibrate } = await import('../app/calibrate.ts');
      return calibrate(options);
    },
    drawCalibration: async (calibrated, path) => {
      const { drawCalibration } = await import('../app/draw-calibration.ts');
      return drawCalibration(calibrated, path);
    },
    train: async (options) => {
      const { train } = await import('../app/train.ts');
      return train(options);
    },
    trainReward: async (options) => {
      const { trainReward } = await import('../app/train-reward.ts');
      return trainReward(options);
    },
    fitUhlm: async (options) => {
      const { fitUhlm } = await import('../app/fit-uhlm.ts');
      return fitUhlm(options);
    },
    writeReport: async (options) => {
      const { writeReport } = await import('../app/write-report.ts');
      return writeReport(options);
    },
    gradeLines: async function* (options) {
      const { gradeLines } = await import('../app/grade-lines.ts');
      yield* gradeLines(options);
    },
    inspectMachine: async (options) => {
      const { inspectMachine } = await import('../app/inspect-machine.ts');
      return inspectMachine(options);
    },
  };
}

/** package.json is beside `src` and beside `dist` alike. */
function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const parsed: unknown = JSON.parse(text);
  invariant(
    typeof parsed === 'object' && parsed !== null && 'version' in parsed,
    'package.json has a version',
  );
  return String(parsed.version);
}
