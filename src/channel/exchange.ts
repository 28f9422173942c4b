/**
 * What a device and a hub computed and sent for one answer, without the time on the link. So the same
 * exchange can be timed over any link.
 */

/** A message to the hub and its answer. Bytes are of frames with their WebSocket headers. */
export interface Call {
  /** 0: a token of a run that an earlier message asked for. */
  readonly upBytes: number;
  readonly hubMs: number;
  readonly downBytes: number;
  /** Whether the device's draft stands. */
  readonly isAccepted: boolean;
}

/** One token. */
export interface Turn {
  /** What the device computes first. */
  readonly deviceMs: number;
  /** Null: the device keeps its draft. */
  readonly call: Call | null;
}

export interface Exchange {
  /** Both ends read the prompt side by side. Null: there is no hub. */
  readonly opening: Turn;
  readonly turns: readonly Turn[];
  /** Whether the hub writes on without waiting for the device's messages, which ask for more in time. */
  readonly isStreamed: boolean;
  /** Tokens that the device drafts on while it waits for an answer. */
  readonly aheadCount: number;
}
