/** The options of strategies: for steps, for choosing among samples, and for what a device sends. */
import type { Command } from 'commander';
import type { OpenEngineOptions } from '../../app/open-engine.ts';
import type { OptionGroup } from '../../strategy/method.ts';
import { DRAFT_COUNT_MAX, type RsdOptions } from '../../strategy/rsd-options.ts';
import { SAMPLE_COUNT_MAX, type SampleOptions } from '../../strategy/samples.ts';
import { parseSeparators } from '../../strategy/step-boundary.ts';
import type { UplinkOptions } from '../../strategy/strategy-options.ts';
import {
  UPLINK_AHEAD_MAX,
  UPLINK_BIT_COUNT_MAX,
  UPLINK_RUN_MAX,
  UPLINK_TOKEN_COUNT_MAX,
} from '../../strategy/uplink.ts';
import { addFlags, choice, count, type FlagTable, number, readFlags, toggle } from './flags.ts';
import { integerFrom, numberParser } from './parse-number.ts';

const STEP_TOKEN_COUNT_MAX = 65_536;
const STEP_COUNT_MAX = 65_536;

/** Where steps end. */
export const SEPARATOR_FLAGS: FlagTable<Pick<RsdOptions, 'separators'>> = {
  separators: {
    usage: '--steps <WHERE>',
    description:
      'where steps end: blank-line, newline, sentence, or a text such as "\\n---\\n"; repeatable',
    parse: (text, before = []) => [...before, ...parseSeparators(text)],
  },
};

const STEP_FLAGS: FlagTable<RsdOptions> = {
  ...SEPARATOR_FLAGS,
  stepTokenCountMax: count(
    '--step-tokens <N>',
    'a step ends after N tokens at the latest (default: 256)',
    STEP_TOKEN_COUNT_MAX,
  ),
  stepCountMax: count(
    '--judged-steps <N>',
    'judge N steps; the small model writes the rest (default: 128)',
    STEP_COUNT_MAX,
  ),
  weighting: choice('--weighting <NAME>', 'how a reward decides about a step (default: binary)', [
    'binary',
    'constant',
    'clipped',
    'sigmoid',
    'logistic',
  ]),
  draftCount: count(
    '--drafts <K>',
    'draft each step K times and judge the best (default: 1)',
    DRAFT_COUNT_MAX,
  ),
  judgesCorrections: toggle(
    '--judge-corrections',
    'keep a rejected draft if its reward is above that of the correction',
  ),
  endsDraftsEarly: toggle(
    '--end-drafts-early',
    'stop drafting a step that is certain to be rejected',
  ),
};

const SAMPLE_FLAGS: FlagTable<SampleOptions> = {
  count: count(
    '--samples <N>',
    'answers to choose from, or tries of a step (default: 8)',
    SAMPLE_COUNT_MAX,
  ),
  temperature: number(
    '--sample-temperature <T>',
    'draws all samples but the first where --temperature is 0 (default: 0.7)',
    { holds: (value) => value > 0 && value <= 100, says: 'a number above 0, at most 100' },
  ),
};

const parseTokenCount = numberParser('--uplink-tokens', {
  ...integerFrom(1, UPLINK_TOKEN_COUNT_MAX),
  says: `an integer from 1 to ${UPLINK_TOKEN_COUNT_MAX}, offline or online`,
});

const UPLINK_FLAGS: FlagTable<UplinkOptions> = {
  sends: choice(
    '--uplink <WHAT>',
    'what goes to the hub with a draft: the distribution, its top tokens, or ids only',
    ['distribution', 'top', 'ids'],
  ),
  tokenCount: {
    usage: '--uplink-tokens <K>',
    description:
      'tokens of a compressed distribution (default: 4); offline, online: by the fit of the pair, ' +
      'one number for all drafts or one for each',
    parse: (text) => (text === 'offline' || text === 'online' ? text : parseTokenCount(text)),
  },
  bitCount: count(
    '--uplink-bits <B>',
    'bits of a probability there (default: 8)',
    UPLINK_BIT_COUNT_MAX,
  ),
  ahead: number(
    '--uplink-ahead <N>',
    'draft up to N tokens on while the large model is asked about one (default: 0)',
    integerFrom(0, UPLINK_AHEAD_MAX),
  ),
  run: count(
    '--uplink-run <N>',
    'tokens that a call of the large model writes, taken while the gate asks for them (default: 1)',
    UPLINK_RUN_MAX,
  ),
  rest: choice(
    '--uplink-rest <WHAT>',
    'lossless: none; spread evenly over the tokens that are not sent, as in the paper: uniform',
    ['none', 'uniform'],
  ),
  risk: choice(
    '--risk <WHICH>',
    'the threshold of the fit where uhlm or cu-hlm has none (default: averse, if there is a fit)',
    ['averse', 'prone'],
  ),
};

/** Several tables, because fields of both have the names of fields elsewhere. */
export function addStepFlags(command: Command): Command {
  return addUplinkFlags(addFlags(addFlags(command, STEP_FLAGS), SAMPLE_FLAGS));
}

export function addUplinkFlags(command: Command): Command {
  return addFlags(command, UPLINK_FLAGS);
}

/** @param parsed the options that commander hands to the command's action */
export function readUplink(parsed: object): UplinkOptions {
  return readFlags(UPLINK_FLAGS, parsed);
}

/** @param parsed the options that commander hands to the command's action */
export function stepOptions(parsed: object): Pick<OpenEngineOptions, OptionGroup> {
  return {
    steps: readFlags(STEP_FLAGS, parsed),
    samples: readFlags(SAMPLE_FLAGS, parsed),
    uplink: readUplink(parsed),
  };
}
