/** Collects the work of a round until the engine's loop emits it. */
import type { WorkEvent } from '../core/events.ts';

export class WorkRecorder {
  #events: WorkEvent[] = [];

  record(event: Omit<WorkEvent, 'type'>): void {
    this.#events.push({ type: 'work', ...event });
  }

  /** Returns the work recorded since the last call, in order. */
  drain(): WorkEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}
