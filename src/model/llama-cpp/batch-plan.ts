/**
 * Chooses the rows of waiting forwards for the next native batch. Pure, so that fairness can be
 * tested without a model.
 *
 * 1. Short forwards (streams that write token by token) come first, whole, in order of arrival.
 * 2. Long forwards (prefills) come next, oldest first, cut at the end of the room.
 *    - A lone prefill gets the whole room.
 *    - Beside streams, of this model or another on the same device, or beside one another, prefills
 *      share a smaller room, so that a long prompt does not stall other requests. Simultaneous
 *      prompts are read one after the other: reading them together would only make the first ones
 *      wait for the last.
 *    - Once the oldest forward was passed by, it has a share that no number of streams can take, so
 *      that no request waits for ever.
 *    - No prefill joins a batch whose oldest forward ends a prompt: its request gets its first token
 *      at once.
 * 3. All rows of a batch want hidden states, or none does: the switch is per batch, and turns every
 *    row into an output. If both kinds wait, they alternate. A prompt keeps its place until it is
 *    read, so if the oldest forward decided, the other kind would wait for all of it.
 *
 * A forward that continues a prompt never counts as a stream, even if it is short. It is passed by
 * once before it gets its share: it keeps its place, so streams that do not fit beside it would wait
 * for the whole prompt.
 */

/** The facts about a waiting forward that planning needs. */
export interface Waiting {
  /** Rows that are still to be evaluated. */
  readonly rowsLeft: number;
  readonly hidden: boolean;
  /** It continues a prompt that was just read, and its output is the first token. */
  readonly endsPrompt: boolean;
  /** It continues a prompt, and more of the prompt follows. */
  readonly continuesPrompt: boolean;
  /** The last batch of its kind, as to hidden states, had no room for its share. */
  readonly wasPassedBy: boolean;
}

export interface BatchPart<W extends Waiting> {
  readonly forward: W;
  /** Rows of the forward that run in this batch, from its first unevaluated row. */
  readonly rowCount: number;
}

export interface BatchRoom {
  readonly rowCountMax: number;
  /**
   * Rows that prefills share in a batch with streams or other prefills. The last prefill may exceed
   * them if it would be left with no more rows than a stream.
   */
  readonly prefillRowCountMax: number;
}

/** The state of the device before this batch. */
export interface Before {
  /** Whether this model's last batch wanted hidden states; null if there was none. */
  readonly hidden: boolean | null;
  /** Streams of another model had the last turn, and will want the next. */
  readonly streamsElsewhere: boolean;
}

const NOTHING_BEFORE: Before = { hidden: null, streamsElsewhere: false };

/** Forwards of at most this many rows count as a stream's: a token, or a draft being verified. */
export const STREAM_ROW_COUNT_MAX = 16;
/** The batch keeps one row in this number for the oldest prefill. */
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
  // A first token does not wait for the next prompt to be read, nor do the streams beside it.
  if (isStream(oldest) && oldest.endsPrompt) return parts;
  const prefills = alike.filter((forward) => !isStream(forward));
  // Streams of the other kind run in the next batch.
  const isShared = before.streamsElsewhere || waiting.some(isStream);
  return [...parts, ...prefillParts(prefills, left, { ...room, isShared })];
}

/** The forwards of this kind whose share did not fit in the batch. */
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

/**
 * The rows of a prefill in this room. It may exceed the room by a few rows if they are its last, so
 * that no request waits a batch for them.
 */
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
