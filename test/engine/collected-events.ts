/** The events of a request as one list, and the tokens among them. */
import type { EngineEvent } from '../../src/core/events.ts';

export async function collectEvents(events: AsyncIterable<EngineEvent>): Promise<EngineEvent[]> {
  const all: EngineEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

export function tokenIdsOf(events: readonly EngineEvent[]): number[] {
  return events.flatMap((event) => (event.type === 'token' ? [event.tokenId] : []));
}
