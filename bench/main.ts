/** Runs the benchmarks by name: `npm run bench -- NAME [options]`. bench/README.md describes each. */
import { Command } from 'commander';
import { abortCommand } from './abort.ts';
import { chatCommand } from './chat.ts';
import { engineCommand } from './engine.ts';
import { llamaServerCommand } from './llama-server.ts';
import { memoryCommand } from './memory.ts';
import { speculativeCommand } from './speculative.ts';

const program = new Command('bench')
  .description('Benchmarks of the engine, each compared with its yardstick in the same run.')
  .showHelpAfterError();
const commands = [
  engineCommand(),
  llamaServerCommand(),
  chatCommand(),
  memoryCommand(),
  abortCommand(),
  speculativeCommand(),
];
for (const command of commands) program.addCommand(command);
await program.parseAsync();
