/** What native forwards take turns on. A GPU or a remote engine would be a device of its own. */
import { Turns } from '../core/turns.ts';

export type ComputeDevice = Turns;

/** Forwards that may wait at once; more means that nobody limits the requests. */
const WAITING_COUNT_MAX = 4096;

/** The CPU of this process: shared by all models on it. */
export const cpuDevice: ComputeDevice = new Turns({
  name: 'the compute device',
  waitingCountMax: WAITING_COUNT_MAX,
});
