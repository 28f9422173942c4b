/** The costs of a model according to a profile, measured or predicted. */
import { PilotfishError } from '../core/errors.ts';
import type { ForwardCosts } from './forward-costs.ts';
import { isOf, type MachineProfile, type MeasuredProfile } from './machine-profile.ts';
import { measuredCosts } from './measured-costs.ts';
import { type RooflineModel, rooflineCosts } from './roofline.ts';

/** The facts by which a profile knows a model. */
export interface CostedModel extends RooflineModel {
  readonly name: string;
  /** The value for `--model`, because the name is that of a file alone. Default: the name. */
  readonly reference?: string;
}

type NamedModel = Pick<CostedModel, 'name' | 'reference'>;

/** @throws PilotfishError `profile-incomplete` */
export function profileCosts(profile: MachineProfile, model: CostedModel): ForwardCosts {
  if (profile.kind === 'predicted') return rooflineCosts(profile, model);
  const measured = profile.models.find((other) => isOf(other, model));
  if (measured === undefined) throw incomplete(profile, model);
  return measuredCosts(measured);
}

/**
 * Checks that the profile has a model of this name, before its file is looked up.
 * @throws PilotfishError `profile-incomplete`
 */
export function checkKnowsName(profile: MachineProfile, model: NamedModel): void {
  if (profile.kind === 'predicted') return;
  if (!profile.models.some((other) => other.model === model.name)) throw incomplete(profile, model);
}

function incomplete(
  profile: MeasuredProfile,
  { name, reference = name, weightBytes }: NamedModel & { readonly weightBytes?: number },
): PilotfishError {
  const { machine } = profile;
  const names = [...new Set(profile.models.map((other) => other.model))];
  const known = names.join(', ') || 'no model';
  const isOther = names.includes(name);
  return new PilotfishError(
    'profile-incomplete',
    isOther
      ? `The profile ${profile.name} has costs of another file called ${name}, not of this one.`
      : `The profile ${profile.name} has costs of ${known}, not of ${name}.`,
    {
      remedy:
        `On that machine (${machine.processor}, ${machine.processorCount} processors) run ` +
        `"pilotfish bench steps --profile ${profile.name} --model ${reference}".`,
      fields: { profile: profile.name, model: name, weightBytes: weightBytes ?? null },
    },
  );
}
