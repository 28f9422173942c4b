/** Whether the small model may go on alone, with tokens that look so. */
import { hubOptions } from './hub-flags.ts';
import { serverOptions } from './server-flags.ts';

export function mayBeUnchecked(parsed: object): boolean {
  return (
    hubOptions(parsed).hub?.offline === 'small' || serverOptions(parsed).onLargeFailure === 'small'
  );
}
