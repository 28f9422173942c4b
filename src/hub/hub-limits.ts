/** What a hub grants its devices. */
import { RUN_LENGTH_MAX } from '../link/limits.ts';

export interface HubLimits {
  /** Requests that the hub remembers, of all devices. */
  readonly requestCountMax: number;
  /** The same for the devices of one key. */
  readonly requestsPerKeyMax: number;
  /** Transmissions of one request that wait for an answer. */
  readonly transmissionsInFlightMax: number;
  /** Invalid frames after which a connection is closed. */
  readonly invalidFrameCountMax: number;
  /** How long a request is remembered after its connection broke. */
  readonly resumeMs: number;
}

export const HUB_LIMITS: HubLimits = {
  requestCountMax: 256,
  requestsPerKeyMax: 256,
  transmissionsInFlightMax: 16,
  invalidFrameCountMax: 8,
  resumeMs: 10 * 60_000,
};

/** The most devices that a hub can be told to admit. */
export const DEVICE_COUNT_LIMIT = 1024;

/** Answers that are kept in case they were lost on their way: all that a run may be ahead of its device. */
export const KEPT_ANSWER_COUNT: number = RUN_LENGTH_MAX;
/** Tokens of a run after which a request lets others have its cells, if they wait for some. */
export const RUN_TURN_LENGTH = 32;
/** Cells are reserved in steps of this many, so that a growing text seldom needs another reservation. */
export const RESERVED_CELL_STEP = 256;
