/** What calls to a server cost, as `advise` has measured it: for automatic draft lengths. */
import { required } from '../../core/invariant.ts';
import { emptyProfile, type Machine, withModel } from '../../machines/machine-profile.ts';
import { type ServedCosts, servedModel } from '../../machines/served-costs.ts';
import type { StepCosts } from '../../machines/step-costs.ts';
import { type LocalProfileOptions, profileStore } from '../machine/local-profile.ts';
import type { ElsewhereFacts } from './reached-model.ts';

/** The name tells servers, models and versions apart, and does not show an address. */
function profileName({ digest }: ElsewhereFacts): string {
  return `server-${digest.slice(0, 16)}`;
}

const SERVER: Machine = { processor: 'server', processorCount: 1, library: 'unknown' };

export async function keepServerCosts(
  facts: ElsewhereFacts,
  costs: ServedCosts,
  options: LocalProfileOptions,
): Promise<void> {
  const name = profileName(facts);
  const { roundTripMs } = costs;
  await profileStore(options).remember(name, SERVER, () =>
    withModel({ ...emptyProfile(name, SERVER), roundTripMs }, servedModel(facts, costs)),
  );
}

/** Null: the server was not measured, or another version of it. */
export async function keptServerCosts(
  facts: ElsewhereFacts,
  options: LocalProfileOptions,
): Promise<Pick<StepCosts, 'large' | 'stream'> | null> {
  const kept = await profileStore(options).remembered(profileName(facts), SERVER);
  const [model] = kept.models;
  if (model === undefined) return null;
  const roundTripMs = kept.roundTripMs ?? 0;
  const [one] = model.decode;
  return {
    large: { points: model.decode.map(({ rowCount, ms }) => ({ rowCount, ms: ms + roundTripMs })) },
    stream: { tokenMs: required(one, 'one row was measured').ms, roundTripMs },
  };
}
