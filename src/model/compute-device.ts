/**
 * The resource that native forwards take turns on. A GPU or a remote engine would be a device of its
 * own.
 */
import { FairMutex } from '../core/fair-mutex.ts';

/**
 * The number of forwards that may wait at once. More show that the number of requests is not limited.
 */
const WAITING_COUNT_MAX = 4096;

/**
 * A mutex that remembers its last user. A stream asks for its next turn only after it has read its
 * rows, so it is not waiting yet when another user plans a long forward right after it.
 */
export class ComputeDevice extends FairMutex {
  #last: { readonly user: symbol; readonly hasStreams: boolean } | null = null;

  /**
   * Call it within a turn.
   * @param hasStreams whether requests that write token by token wait for this user
   * @returns whether the turn before was another user's, for such requests: they will want the next
   */
  beginTurn(user: symbol, hasStreams: boolean): boolean {
    const last = this.#last;
    this.#last = { user, hasStreams };
    return last !== null && last.user !== user && last.hasStreams;
  }

  /** Forgets the last user, so that the next batch is planned as on an unused device. */
  forget(): void {
    this.#last = null;
  }
}

/** The CPU of this process: shared by all models on it. */
export const cpuDevice: ComputeDevice = new ComputeDevice({
  name: 'the compute device',
  waitingCountMax: WAITING_COUNT_MAX,
});
