/** `pilotfish fit`: measures laws of a pair of models. Nothing is trained: a line needs no network. */
import type { Command } from 'commander';
import type { CliDependencies } from '../cli-dependencies.ts';
import type { CliIo } from '../io.ts';
import { registerFitUhlm } from './fit/uhlm.ts';

export function registerFit(program: Command, io: CliIo, dependencies: CliDependencies): void {
  const fit = program
    .command('fit')
    .summary('fit the thresholds of U-HLM for a pair of models')
    .description('Measures how a pair behaves, and finds thresholds by it.');
  registerFitUhlm(fit, io, dependencies);
}
