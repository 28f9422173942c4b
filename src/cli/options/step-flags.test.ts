import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addStepFlags, stepOptions } from './step-flags.ts';

function parsed(...args: readonly string[]): ReturnType<typeof stepOptions> {
  const silent = { writeErr: () => {}, writeOut: () => {} };
  const command = new Command('test').exitOverride().configureOutput(silent);
  addStepFlags(command);
  return stepOptions(command.parse(args, { from: 'user' }).opts());
}

describe('the options of steps and samples', () => {
  it('are absent if they are not given', () => {
    expect(parsed()).toEqual({ steps: {}, samples: {}, uplink: {} });
  });

  it('are those of strategies', () => {
    const steps = ['--steps', 'newline', '--steps', '\\n---\\n', '--step-tokens', '64'];
    const judged = ['--judged-steps', '9', '--weighting', 'logistic', '--drafts', '4'];
    const rest = ['--judge-corrections', '--end-drafts-early'];
    const samples = ['--samples', '16', '--sample-temperature', '0.5'];
    const top = ['--uplink', 'top', '--uplink-tokens', '8', '--uplink-bits', '6'];
    const uplink = [...top, '--uplink-rest', 'uniform'];
    expect(parsed(...steps, ...judged, ...rest, ...samples, ...uplink)).toEqual({
      steps: {
        ...{ separators: ['\n', '\n---\n'], stepTokenCountMax: 64, stepCountMax: 9 },
        ...{ weighting: 'logistic', draftCount: 4, judgesCorrections: true, endsDraftsEarly: true },
      },
      samples: { count: 16, temperature: 0.5 },
      uplink: { sends: 'top', tokenCount: 8, bitCount: 6, rest: 'uniform' },
    });
  });

  it.each([
    [['--drafts', '17'], '--drafts is "17", not an integer from 1 to 16.'],
    [['--samples', '0'], '--samples is "0", not an integer from 1 to 64.'],
    [['--sample-temperature', '0'], '--sample-temperature is "0", not a number above 0'],
    [['--steps', ''], 'The separators of steps include "".'],
    [['--steps', '\\q'], 'A separator has "\\q", which is no escape.'],
    [['--weighting', 'linear'], "'linear' is invalid"],
    [['--uplink-bits', '17'], '--uplink-bits is "17", not an integer from 1 to 16.'],
  ])('are refused by name: %j', (args, message) => {
    expect(() => parsed(...args)).toThrow(message);
  });
});
