/** A hub's errors as those of this program, and which failures may pass. Pure. */
import { PilotfishError } from '../core/errors.ts';
import type { ErrorMessage, LinkErrorCode } from '../link/messages.ts';

/** Whether the hub has lost the request, which is then opened anew. */
export function losesRequest({ code }: Pick<ErrorMessage, 'code'>): boolean {
  return code === 'session-unknown' || code === 'position-unexpected';
}

export function hubRefusal({ code, message }: ErrorMessage): PilotfishError {
  if (code === 'session-unknown' || code === 'position-unexpected') {
    return new PilotfishError('hub-unreachable', `The hub lost the request: ${message}`);
  }
  return new PilotfishError(CODES[code], `The hub refuses: ${message}`, {
    remedy: REMEDIES[code] ?? null,
    fields: { code },
  });
}

const CODES = {
  'protocol-version': 'hub-refused',
  'frame-invalid': 'hub-refused',
  'vocabulary-mismatch': 'vocabulary-mismatch',
  unauthorised: 'hub-refused',
  busy: 'engine-busy',
  'context-full': 'kv-full',
  internal: 'hub-refused',
} as const;

const REMEDIES: Partial<Record<LinkErrorCode, string>> = {
  'protocol-version': 'Run the same version of Pilotfish on the device and the hub.',
  'frame-invalid': 'Run the same version of Pilotfish on the device and the hub.',
  'vocabulary-mismatch': "Choose a small model of the family of the hub's large model.",
  unauthorised: 'Give the key of the hub with --hub-key-file.',
  busy: 'Try again later, or ask the operator of the hub for higher limits.',
  'context-full': 'Shorten the text, or ask for fewer tokens.',
  internal: 'See the log of the hub.',
};

/** Failures of a link that may come back, and of a hub that may have room later. */
export function isTransient(error: unknown): boolean {
  if (!PilotfishError.isInstance(error)) return false;
  return error.code === 'hub-unreachable' || error.code === 'engine-busy';
}
