import { randomUUID } from 'node:crypto';
import type { TokenEvent } from '../../core/events.ts';
import type { Used } from './usage.ts';

/** What all parts of one completion have in common. */
export interface Head {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  /** As the client named it. */
  readonly model: string;
}

export function headOf(kind: 'chatcmpl' | 'cmpl', model: string): Head {
  return { id: `${kind}-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model };
}

export interface PartOptions {
  readonly logprobs: boolean;
  /** Whether the client wants to know of every token which model wrote it. */
  readonly provenance: boolean;
  readonly answersPerPrompt: number;
  /** Whether the usage comes behind the last answer. */
  readonly includesUsage: boolean;
}

/** The parts of a streamed completion, in the form of one API. */
export interface Parts {
  /** Null: the API has none. */
  first(index: number): object | null;
  token(index: number, event: TokenEvent): object;
  end(index: number, used: Used): object;
  usage(answers: readonly Used[]): object;
}
