/** The benchmarks by name: `npm run bench -- NAME [options]`. What each measures: bench/README.md. */
import { Command } from 'commander';
import { engineCommand } from './engine.ts';
import { llamaServerCommand } from './llama-server.ts';

const program = new Command('bench')
  .description('Benchmarks of the engine, each against its yardstick in the same run.')
  .showHelpAfterError();
for (const command of [engineCommand(), llamaServerCommand()]) program.addCommand(command);
await program.parseAsync();
