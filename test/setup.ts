/** Before each test file: properties that name no number of runs have fewer in `npm test`, too. */
import fc from 'fast-check';
import { runs } from './runs.ts';

fc.configureGlobal({ numRuns: runs(30, 100) });
