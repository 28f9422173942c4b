import { PilotfishError } from '../core/errors.ts';

interface Seen {
  readonly field: string;
  readonly value: number | string;
  readonly cause?: unknown;
}

/** @param says what the field must be, as `an integer from 0 to 3` */
export function frameInvalid(field: string, value: number | string, says: string): PilotfishError {
  return frameRefused(`${field} is ${value}, not ${says}`, { field, value });
}

export function frameRefused(reason: string, { field, value, cause }: Seen): PilotfishError {
  return new PilotfishError('frame-invalid', `The frame is invalid: ${reason}.`, {
    remedy: 'Run the same version of Pilotfish, with the same models, on the device and the hub.',
    fields: { field, value },
    cause,
  });
}
