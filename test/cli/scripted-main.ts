/**
 * The real process around a scripted engine, for tests of signals, pipes and terminals. The answer is
 * one sentence; SCRIPT_DELAY_MS slows its tokens, SCRIPT_REPEAT repeats them. A line on standard error
 * tells when the engine was disposed of.
 */
import type { CliDependencies } from '../../src/cli/cli-dependencies.ts';
import { runProcess } from '../../src/cli/run-process.ts';
import { type ScriptedToken, scriptedDependencies } from './scripted-engine.ts';

const SENTENCE: readonly ScriptedToken[] = [
  ['A', 'small', false],
  [' pilot', 'large', false],
  [' fish', 'small', true],
  [' swims', 'small', false],
  [' ahead', 'prompt-lookup', true],
  [' of', 'small', false],
  [' the\n', 'small', true],
  ['shark', 'large', false],
  ['\u001b[31m.', 'small', false],
];

const repeat = Number(process.env['SCRIPT_REPEAT'] ?? '1');
const tokenDelayMs = Number(process.env['SCRIPT_DELAY_MS'] ?? '0');
const tokens = Array.from({ length: repeat }, () => SENTENCE).flat();
const scripted = scriptedDependencies(() => ({ tokens, tokenDelayMs }));

const dependencies: CliDependencies = {
  ...scripted,
  openEngine: async (options) => {
    const engine = await scripted.openEngine(options);
    return {
      generate: (request) => engine.generate(request),
      [Symbol.asyncDispose]: async () => {
        await engine[Symbol.asyncDispose]();
        process.stderr.write('disposed\n');
      },
    };
  },
};

await runProcess(dependencies);
