/** A hub's counts for Prometheus. */
import { Counter, Gauge, Registry } from 'prom-client';
import type { Hub, HubStatus } from './hub.ts';

type Values = Omit<HubStatus, 'isDraining'>;

const GAUGES: readonly (readonly [keyof Values, name: string, help: string])[] = [
  ['connectionCount', 'connections', 'Devices that are connected'],
  ['requestCount', 'requests', 'Requests that the hub remembers'],
  ['busyCount', 'requests_waiting', 'Requests that wait for an answer'],
];

const COUNTERS: readonly (readonly [keyof Values, name: string, help: string])[] = [
  ['acceptedCount', 'drafts_accepted_total', 'Drafts that were accepted'],
  ['rejectedCount', 'drafts_rejected_total', 'Drafts that were rejected'],
  ['writtenCount', 'tokens_written_total', 'Tokens that the large model wrote on its own'],
  ['rowCount', 'rows_total', 'Rows of the large model'],
  ['computeMs', 'compute_milliseconds_total', 'Time that the large model computed'],
  ['waitedMs', 'waited_milliseconds_total', 'Time that verifications waited for the large model'],
  ['refusedCount', 'refused_total', 'Messages that were refused'],
  ['failureCount', 'failures_total', 'Failures of the hub itself'],
];

/** @returns the text of all metrics, for a content type of the second value */
export function hubMetrics(hub: Hub): {
  readonly contentType: string;
  text(): Promise<string>;
} {
  const registry = new Registry();
  for (const [field, name, help] of GAUGES) {
    new Gauge({
      ...{ name: `pilotfish_hub_${name}`, help, registers: [registry] },
      collect() {
        this.set(hub.status[field]);
      },
    });
  }
  for (const [field, name, help] of COUNTERS) {
    new Counter({
      ...{ name: `pilotfish_hub_${name}`, help, registers: [registry] },
      collect() {
        this.reset();
        this.inc(hub.status[field]);
      },
    });
  }
  return { contentType: registry.contentType, text: () => registry.metrics() };
}
