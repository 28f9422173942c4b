/**
 * Which rows of which waiting forwards go into the next native batch. Pure, so that fairness can be
 * tested without a model.
 *
 *   1. Short forwards (streams writing token by token) come first, whole, in order of arrival.
 *   2. Long ones (prefills) come next, oldest first, cut where the room ends. One that is alone gets
 *      the whole room. Beside streams, of this model or another on the same device, or beside one
 *      another, they share a smaller one: a long prompt does not stall anybody, and prompts that came
 *      together are read one after the other, since to read them together would only keep the first
 *      ones waiting for the last. The oldest forward, once it was passed by, has a share that streams
 *      cannot take, however many come: nobody waits for ever. None joins a batch whose oldest forward
 *      ends a prompt: its request gets its first token at once.
 *   3. All rows of a batch want hidden states, or none does: the switch is per batch, and turns every
 *      row into an output. Where both kinds wait they take turns: a prompt keeps its place until it
 *      is read, so if the oldest decided, the other kind would wait for all of it.
 *
 * What goes on with a prompt is never a stream, however short, and gives way once before it is given
 * its share: it keeps its place, so streams that do not fit beside it would wait for all of it.
 */

/** What planning needs to know of a waiting forward. */
export interface Waiting {
  /** Rows that are still to be evaluated. */
  readonly rowsLeft: number;
  readonly hidden: boolean;
  /** It goes on from a prompt that was read just now: with it comes the first token. */
  readonly endsPrompt: boolean;
  /** It goes on with a prompt, and more of it comes behind. */
  readonly continuesPrompt: boolean;
  /** The last batch of its kind, as to hidden states, had no room for its share. */
  readonly wasPassedBy: boolean;
}

export interface BatchPart<W extends Waiting> {
  readonly forward: W;
  /** Rows of it that run in this batch, from its first unevaluated one. */
  readonly rowCount: number;
}

export interface BatchRoom {
  readonly rowCountMax: number;
  /**
   * Rows that prefills share in a batch with streams or other prefills; a last one that would be
   * left with a stream's rows is finished beyond it.
   */
  readonly prefillRowCountMax: number;
}

/** What the device did right before. */
export interface Before {
  /** Whether this model's last batch wanted hidden states; null if there was none. */
  readonly hidden: boolean | null;
  /** Streams of another model had the turn before, and will want the next. */
  readonly streamsElsewhere: boolean;
}

const NOTHING_BEFORE: Before = { hidden: null, streamsElsewhere: false };

/** Forwards of at most this many rows count as a stream's: a token, or a draft being verified. */
export const STREAM_ROW_COUNT_MAX = 16;
/** One row in so many is kept for a prefill that is the oldest. */
const OLDEST_SHARE = 8;

/** @param waiting in order of arrival */
export function planBatch<W extends Waiting>(
  waiting: readonly W[],
  room: BatchRoom,
  before: Before = NOTHING_BEFORE,
): BatchPart<W>[] {
  const oldest = waiting.find(({ hidden }) => hidden !== before.hidden) ?? waiting[0];
  if (oldest === undefined) return [];
  const alike = waiting.filter((forward) => forward.hidden === oldest.hidden);
  const kept = isStream(oldest) || !oldest.wasPassedBy ? 0 : keptForPrefill(oldest, room);
  const parts: BatchPart<W>[] = [];
  let left = room.rowCountMax;
  for (const forward of alike.filter(isStream)) {
    if (forward.rowsLeft > left - kept) continue;
    parts.push({ forward, rowCount: forward.rowsLeft });
    left -= forward.rowsLeft;
  }
  // A first token does not wait for the next prompt to be read, nor streams that can come along.
  if (isStream(oldest) && oldest.endsPrompt) return parts;
  const prefills = alike.filter((forward) => !isStream(forward));
  // Streams of the other kind have the next batch.
  const isShared = before.streamsElsewhere || waiting.some(isStream);
  return [...parts, ...prefillParts(prefills, left, { ...room, isShared })];
}

/** Of those that could have been in a batch, the ones whose share did not fit. */
export function passedBy<W extends Waiting>(
  alike: readonly W[],
  parts: readonly BatchPart<W>[],
  room: BatchRoom,
): ReadonlySet<W> {
  const rowCounts = new Map(parts.map(({ forward, rowCount }) => [forward, rowCount]));
  const share = (forward: W): number => (isStream(forward) ? 1 : keptForPrefill(forward, room));
  return new Set(alike.filter((forward) => (rowCounts.get(forward) ?? 0) < share(forward)));
}

function prefillParts<W extends Waiting>(
  prefills: readonly W[],
  rowsLeft: number,
  room: BatchRoom & { readonly isShared: boolean },
): BatchPart<W>[] {
  const parts: BatchPart<W>[] = [];
  let left = rowsLeft;
  let shared = room.prefillRowCountMax;
  for (const forward of prefills) {
    const isAlone = !room.isShared && parts.length === 0;
    const rowCount = Math.min(left, isAlone ? forward.rowsLeft : rowsWithin(shared, forward));
    if (rowCount <= 0) break;
    parts.push({ forward, rowCount });
    left -= rowCount;
    shared -= rowCount;
  }
  return parts;
}

/** A few rows more than there is room for, if they are the last: nobody waits a batch for them. */
function rowsWithin(room: number, { rowsLeft }: Waiting): number {
  if (room <= 0) return 0;
  return rowsLeft <= room + STREAM_ROW_COUNT_MAX ? rowsLeft : room;
}

function keptForPrefill({ rowsLeft }: Waiting, room: BatchRoom): number {
  return Math.min(rowsLeft, room.prefillRowCountMax, Math.ceil(room.rowCountMax / OLDEST_SHARE));
}

export function isStream({ rowsLeft, continuesPrompt }: Waiting): boolean {
  return rowsLeft <= STREAM_ROW_COUNT_MAX && !continuesPrompt;
}
