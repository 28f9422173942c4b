import { PilotfishError } from '../core/errors.ts';
import { untilAborted } from '../core/until-aborted.ts';

/**
 * Until a signal asks a server to end.
 * @throws what else ended the program, as an output that cannot be written
 */
export async function untilAsked(signal: AbortSignal): Promise<void> {
  try {
    await untilAborted(new Promise<never>(() => {}), signal);
  } catch (error) {
    const { reason }: { readonly reason: unknown } = signal;
    if (!PilotfishError.isInstance(reason) || reason.code !== 'aborted') throw error;
  }
}
