/** The costs that a profile, measured or predicted, gives for a model. */
import { PilotfishError } from '../core/errors.ts';
import type { ForwardCosts } from './forward-costs.ts';
import type { MachineProfile, MeasuredModel } from './machine-profile.ts';
import { measuredCosts } from './measured-costs.ts';
import { type RooflineModel, rooflineCosts } from './roofline.ts';

/** A model as a profile knows it. */
export interface CostedModel extends RooflineModel {
  readonly name: string;
}

/** @throws PilotfishError `profile-incomplete` */
export function profileCosts(profile: MachineProfile, model: CostedModel): ForwardCosts {
  if (profile.kind === 'predicted') return rooflineCosts(profile, model);
  const measured = profile.models.find((other) => isOf(other, model));
  if (measured !== undefined) return measuredCosts(measured);
  const names = profile.models.map((other) => other.model).join(', ') || 'no model';
  throw new PilotfishError(
    'profile-incomplete',
    `The profile ${profile.name} has costs of ${names}, not of ${model.name}.`,
    {
      remedy: `Run "pilotfish bench steps --profile ${profile.name} --model ${model.name}" there.`,
      fields: { profile: profile.name, model: model.name, weightBytes: model.weightBytes },
    },
  );
}

function isOf(measured: MeasuredModel, { name, weightBytes }: CostedModel): boolean {
  return measured.model === name && measured.weightBytes === weightBytes;
}
