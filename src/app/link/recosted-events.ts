/** A run of this machine as it would be with its device or its hub on others. */
import type { RecordedRun } from '../../accounting/run-log.ts';
import type { EngineEvent, StartEvent } from '../../core/events.ts';
import { required } from '../../core/invariant.ts';
import type { ModelRole } from '../../core/model-id.ts';
import type { MachineProfile } from '../../machines/machine-profile.ts';
import { type CostsById, workTimes } from '../../machines/predict-run.ts';
import { profileCosts } from '../../machines/profile-costs.ts';

/** The machines of the small and the large model; absent: this one, as measured. */
export type Machines = { readonly [R in ModelRole]?: MachineProfile | undefined };

/**
 * The events with other times: of work the costs of its machine, of tokens their sums. The time of this
 * program between forwards stays where the device is this machine; a profile has its own.
 * @param readsLogits whether the strategy reads values off the small model's logits
 * @throws PilotfishError `profile-incomplete`
 */
export function recostedEvents(
  events: readonly EngineEvent[],
  machines: Machines,
  readsLogits: boolean,
): readonly EngineEvent[] {
  const start = required(
    events.find((event) => event.type === 'start'),
    'a run has a start',
  );
  const costs = costsOn(machines, start);
  if (costs.size === 0) return events;
  const run: RecordedRun = {
    ...{ name: null, start, summary: null },
    events: events.filter((event) => event.type === 'work' || event.type === 'token'),
  };
  const times = workTimes(run, costs, { readsLogits }).values();
  const { small, large } = start.labels;
  const usesSmall = events.some((event) => event.type === 'work' && event.model === small);
  const writer = required(usesSmall ? small : large, 'a model writes');
  let elapsed = { before: 0, after: 0 };
  let round = { before: 0, after: 0 };
  return events.map((event) => {
    if (event.type === 'work') {
      const computeMs = times.next().value ?? event.computeMs;
      round = { before: round.before + event.computeMs, after: round.after + computeMs };
      return { ...event, computeMs };
    }
    if (event.type !== 'token') return event;
    const between = Math.max(0, event.elapsedMs - elapsed.before - round.before);
    const elapsedMs = elapsed.after + round.after + (costs.has(writer) ? 0 : between);
    elapsed = { before: event.elapsedMs, after: elapsedMs };
    round = { before: 0, after: 0 };
    return { ...event, elapsedMs };
  });
}

/** Of the models of the pair that have a machine. */
function costsOn(machines: Machines, { labels, models }: StartEvent): CostsById {
  const roles: readonly ModelRole[] = ['small', 'large'];
  return new Map(
    roles.flatMap((role) => {
      const [profile, id] = [machines[role], labels[role]];
      const facts = id === undefined ? undefined : models[id];
      if (profile === undefined || id === undefined || facts === undefined) return [];
      return [[id, profileCosts(profile, facts)] as const];
    }),
  );
}
