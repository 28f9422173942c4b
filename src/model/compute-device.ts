/** What native forwards take turns on. A GPU or a remote engine would be a device of its own. */
import { FairMutex } from '../core/fair-mutex.ts';

/** Forwards that may wait at once; more means that nobody limits the requests. */
const WAITING_COUNT_MAX = 4096;

/**
 * Turns that remember whose the last one was. A stream asks for its next turn only when it has read
 * its rows, so one who plans a long forward right after it would not find it waiting.
 */
export class ComputeDevice extends FairMutex {
  #last: { readonly user: symbol; readonly hasStreams: boolean } | null = null;

  /**
   * To be called within a turn.
   * @param hasStreams whether requests that write token by token wait for this user
   * @returns whether the turn before was another user's, for such requests: they will want the next
   */
  beginTurn(user: symbol, hasStreams: boolean): boolean {
    const last = this.#last;
    this.#last = { user, hasStreams };
    return last !== null && last.user !== user && last.hasStreams;
  }

  /** Forgets whose the last turn was: what comes next is planned as on a device that nobody used. */
  forget(): void {
    this.#last = null;
  }
}

/** The CPU of this process: shared by all models on it. */
export const cpuDevice: ComputeDevice = new ComputeDevice({
  name: 'the compute device',
  waitingCountMax: WAITING_COUNT_MAX,
});
