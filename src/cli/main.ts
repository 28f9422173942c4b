#!/usr/bin/env node
/** The `pilotfish` program. */
import { loadDependencies } from './load-dependencies.ts';
import { runProcess } from './run-process.ts';

await runProcess(loadDependencies());
