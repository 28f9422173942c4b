/** The options that ask, chat and compare share. */
import type { Command } from 'commander';
import type { OpenEngineOptions } from '../../app/open-engine.ts';
import { PilotfishError } from '../../core/errors.ts';
import type { SamplingParams } from '../../core/sampling-params.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import { DRAFT_LENGTH_MAX } from '../../strategy/speculative.ts';
import type { CliIo } from '../io.ts';
import { addFlags, choice, type FlagTable, number, readFlags } from './flags.ts';
import { HUB_FLAGS, hubOptions } from './hub-flags.ts';
import { HEAD_FLAGS, JUDGE_FLAGS, PAIR_FLAGS, PRICE_FLAGS, pricesOf } from './pair-flags.ts';
import { integerFrom, type NumberRange, numberParser } from './parse-number.ts';
import { SERVER_FLAGS, serverOptions } from './server-flags.ts';
import { addStepFlags, stepOptions } from './step-flags.ts';

/** Drafts are wanted on a terminal, where grey tells them apart, and among JSON lines. */
export function draftFields(
  { provisional, json }: ProvisionalOptions & Pick<GenerationOptions, 'json'>,
  { outIsTerminal, color }: Pick<CliIo, 'outIsTerminal' | 'color'>,
): Pick<GenerateRequest, 'drafts'> {
  const areShown = json === true || (outIsTerminal && color.level > 0);
  return provisional === true && areShown ? { drafts: true } : {};
}

export interface ProvisionalOptions {
  readonly provisional?: boolean;
}

export function addProvisionalFlag(command: Command): Command {
  return command.option(
    '--provisional',
    'on a terminal, show drafted steps in grey before their verdict (with --json: as lines)',
  );
}

/** The options that the commands use themselves. `engineOptions` and `requestFields` read the rest. */
export interface GenerationOptions {
  readonly json?: boolean;
  /** False with `--no-color`. */
  readonly color: boolean;
}

const TEMPERATURE: NumberRange = {
  holds: (value) => value >= 0 && value <= 100,
  says: 'a number from 0 to 100',
};
const TOP_P: NumberRange = {
  holds: (value) => value > 0 && value <= 1,
  says: 'a number above 0, at most 1',
};
const MIN_P: NumberRange = {
  holds: (value) => value >= 0 && value < 1,
  says: 'a number from 0 up, below 1',
};
const REPETITION_PENALTY: NumberRange = {
  holds: (value) => value > 0 && value <= 100,
  says: 'a number above 0, at most 100',
};
const PENALTY: NumberRange = {
  holds: (value) => Math.abs(value) <= 100,
  says: 'a number from -100 to 100',
};
const SEED: NumberRange = { holds: Number.isSafeInteger, says: 'an integer' };
const DRAFT_LENGTH = integerFrom(1, DRAFT_LENGTH_MAX);

export const parseSeed: (text: string) => number = numberParser('--seed', SEED);

const SAMPLING_FLAGS: FlagTable<SamplingParams> = {
  temperature: number(
    '--temperature <T>',
    '0 always takes the most probable token',
    TEMPERATURE,
    0,
  ),
  topK: number(
    '--top-k <K>',
    'choose among the K most probable tokens; 0: among all',
    integerFrom(0),
  ),
  topP: number('--top-p <P>', 'choose among the fewest tokens that hold this probability', TOP_P),
  minP: number('--min-p <P>', 'drop tokens less probable than this share of the best', MIN_P),
  repetitionPenalty: number(
    '--repetition-penalty <P>',
    'above 1 makes tokens that occurred less likely',
    REPETITION_PENALTY,
  ),
  frequencyPenalty: number(
    '--frequency-penalty <P>',
    'the same, for every occurrence of a token',
    PENALTY,
  ),
  presencePenalty: number('--presence-penalty <P>', 'the same, once', PENALTY),
  penaltyWindow: number(
    '--penalty-window <N>',
    'tokens that penalties look back over (default: 64)',
    integerFrom(0),
  ),
  logitBias: {
    usage: '--logit-bias <ID=BIAS>',
    description: 'added to the logit of a token; repeatable',
    parse: collectBias,
  },
};

const LENGTH_FLAGS: FlagTable<Pick<GenerateRequest, 'seed' | 'maxTokens' | 'stop'>> = {
  seed: number('--seed <N>', 'the same seed gives the same text (default: 0)', SEED),
  maxTokens: number('--max-tokens <N>', 'the most tokens of the answer', integerFrom(1)),
  stop: {
    usage: '--stop <TEXT>',
    description: 'end the answer before this text; repeatable',
    parse: collectStop,
  },
};

const SPECULATIVE_FLAGS: FlagTable<NonNullable<OpenEngineOptions['speculative']>> = {
  proposer: choice('--proposer <NAME>', 'who drafts for speculative', [
    'auto',
    'small',
    'prompt-lookup',
  ]),
  verifier: choice(
    '--verifier <NAME>',
    'how speculative checks drafts; rejection repeats a seed only with a fixed --draft-length',
    ['coupling', 'rejection'],
  ),
  draftLength: {
    usage: '--draft-length <N>',
    description: 'tokens per draft of speculative, or auto',
    parse: parseDraftLength,
  },
};

/** The options that `engineOptions` reads. */
export function addEngineFlags(command: Command): Command {
  addFlags(command, {
    ...PAIR_FLAGS,
    ...SERVER_FLAGS,
    ...HUB_FLAGS,
    ...JUDGE_FLAGS,
    ...HEAD_FLAGS,
  });
  addFlags(command, { ...PRICE_FLAGS, ...SPECULATIVE_FLAGS });
  return addStepFlags(command);
}

/** Adds all options but the strategy, of which compare takes several. */
export function addGenerationFlags(command: Command): Command {
  addEngineFlags(command);
  return addFlags(command, { ...SAMPLING_FLAGS, ...LENGTH_FLAGS })
    .option('--json', 'print the events, one JSON object per line')
    .option('--no-color', 'no colours');
}

/** @param parsed the options that commander hands to the command's action */
export function engineOptions(parsed: object): OpenEngineOptions {
  return {
    ...readFlags({ ...PAIR_FLAGS, ...JUDGE_FLAGS, ...HEAD_FLAGS }, parsed),
    prices: pricesOf(readFlags(PRICE_FLAGS, parsed)),
    speculative: readFlags(SPECULATIVE_FLAGS, parsed),
    ...stepOptions(parsed),
    ...hubOptions(parsed),
    ...serverOptions(parsed),
  };
}

/** The parts of a request that do not change from turn to turn. */
export function requestFields(parsed: GenerationOptions): GenerateRequest {
  return {
    sampling: readFlags(SAMPLING_FLAGS, parsed),
    ...readFlags(LENGTH_FLAGS, parsed),
    logprobs: parsed.json,
  };
}

function collectBias(
  text: string,
  previous: Readonly<Record<string, number>> | undefined,
): Readonly<Record<string, number>> {
  const match = /^(\d+)=(-?\d+(?:\.\d+)?)$/.exec(text);
  if (match?.[1] !== undefined) return { ...previous, [match[1]]: Number(match[2]) };
  throw new PilotfishError('option-invalid', `--logit-bias is "${text}", not ID=BIAS.`, {
    remedy: 'Give --logit-bias as a token id and a number, as in 13=-100.',
    fields: { option: '--logit-bias', value: text },
  });
}

function parseDraftLength(text: string): 'auto' | number {
  if (text === 'auto') return text;
  const says = `auto or ${DRAFT_LENGTH.says}`;
  return numberParser('--draft-length', { ...DRAFT_LENGTH, says })(text);
}

function collectStop(text: string, previous: readonly string[] | undefined): readonly string[] {
  if (text === '') {
    throw new PilotfishError('option-invalid', '--stop is "", which every answer contains.', {
      remedy: 'Give --stop as a text that should end the answer.',
      fields: { option: '--stop', value: text },
    });
  }
  return [...(previous ?? []), text];
}
