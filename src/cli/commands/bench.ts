/**
 * `pilotfish bench`: the cost of forwards on this machine, and the cost of a recorded run on another.
 */
import type { Command } from 'commander';
import type { CliDependencies } from '../cli-dependencies.ts';
import type { CliIo } from '../io.ts';
import { registerLink } from './bench/link.ts';
import { registerRecost } from './bench/recost.ts';
import { registerSteps } from './bench/steps.ts';

export function registerBench(program: Command, io: CliIo, dependencies: CliDependencies): void {
  const bench = program
    .command('bench')
    .summary('measure this machine, re-cost recorded runs')
    .description('Measures what forwards cost on this machine, and what runs cost on another.');
  registerSteps(bench, io, dependencies);
  registerRecost(bench, io, dependencies);
  registerLink(bench, io, dependencies);
}
