/**
 * Which rows of which waiting forwards go into the next native batch. Pure, so that fairness can be
 * tested without a model.
 *
 *   1. Short forwards (streams writing token by token) come first, whole, in order of arrival.
 *   2. Long ones (prefills) fill what is left, oldest first, cut where the room ends. Beside streams
 *      they get a smaller room, so that a long prompt does not stall anybody. The oldest forward has
 *      a share that streams cannot take, however many come: nobody waits for ever.
 *   3. All rows of a batch want hidden states, or none does: the switch is per batch, and turns every
 *      row into an output. The oldest waiting forward decides.
 */

/** What planning needs to know of a waiting forward. */
export interface Waiting {
  /** Rows that are still to be evaluated. */
  readonly rowsLeft: number;
  readonly hidden: boolean;
}

export interface BatchPart<W extends Waiting> {
  readonly forward: W;
  /** Rows of it that run in this batch, from its first unevaluated one. */
  readonly rowCount: number;
}

export interface BatchRoom {
  readonly rowCountMax: number;
  /** Rows of prefills in a batch that also serves streams. */
  readonly prefillRowCountMax: number;
}

/** Forwards of at most this many rows count as a stream's: a token, or a draft being verified. */
export const STREAM_ROW_COUNT_MAX = 16;
/** One row in so many is kept for a prefill that is the oldest. */
const OLDEST_SHARE = 8;

/** @param waiting in order of arrival */
export function planBatch<W extends Waiting>(
  waiting: readonly W[],
  room: BatchRoom,
): BatchPart<W>[] {
  const oldest = waiting[0];
  if (oldest === undefined) return [];
  const alike = waiting.filter((forward) => forward.hidden === oldest.hidden);
  const kept = isStream(oldest) ? 0 : keptForPrefill(oldest, room);
  const parts: BatchPart<W>[] = [];
  let left = room.rowCountMax;
  for (const forward of alike.filter(isStream)) {
    if (forward.rowsLeft > left - kept) continue;
    parts.push({ forward, rowCount: forward.rowsLeft });
    left -= forward.rowsLeft;
  }
  let prefillLeft = parts.length > 0 ? Math.min(left, room.prefillRowCountMax) : left;
  for (const forward of alike) {
    if (isStream(forward) || prefillLeft === 0) continue;
    const rowCount = Math.min(forward.rowsLeft, prefillLeft);
    parts.push({ forward, rowCount });
    prefillLeft -= rowCount;
  }
  return parts;
}

function keptForPrefill({ rowsLeft }: Waiting, room: BatchRoom): number {
  return Math.min(rowsLeft, room.prefillRowCountMax, Math.ceil(room.rowCountMax / OLDEST_SHARE));
}

function isStream(forward: Waiting): boolean {
  return forward.rowsLeft <= STREAM_ROW_COUNT_MAX;
}
