/** The options of a large model on a server, whose address is that of `--large`. */
import type { OpenEngineOptions } from '../../app/open-engine.ts';
import { choice, type FlagTable, readFlags, text, toggle } from './flags.ts';

interface ServerFields {
  readonly largeKeyEnv?: string | undefined;
  readonly largePlainKey?: boolean | undefined;
  readonly largeCa?: string | undefined;
  readonly largeAs?: string | undefined;
  readonly onLargeFailure?: OpenEngineOptions['onLargeFailure'];
}

/** For commands that only look at a server. */
export const SERVER_ADDRESS_FLAGS: FlagTable<Omit<ServerFields, 'largeAs' | 'onLargeFailure'>> = {
  largeKeyEnv: text(
    '--large-key-env <NAME>',
    "the variable with the server's key (default: OPENAI_API_KEY, VLLM_API_KEY, … by its kind)",
  ),
  largePlainKey: toggle(
    '--large-plain-key',
    'let the key go to another machine without encryption',
  ),
  largeCa: text('--large-ca <FILE>', 'trust this certificate of the server, in PEM'),
};

export const SERVER_FLAGS: FlagTable<ServerFields> = {
  ...SERVER_ADDRESS_FLAGS,
  largeAs: text(
    '--large-as <MODEL>',
    'the model that the server has, for its costs and for trained heads',
  ),
  onLargeFailure: choice(
    '--on-large-failure <MODE>',
    'when the server does not answer any more: go on with the small model alone and mark its tokens, ' +
      'or stop (default)',
    ['small', 'stop'],
  ),
};

export function serverOptions(
  parsed: object,
): Pick<OpenEngineOptions, 'server' | 'onLargeFailure'> {
  const fields = readFlags(SERVER_FLAGS, parsed);
  const { largeKeyEnv: keyEnv, largePlainKey: allowsPlainKey } = fields;
  const { largeCa: caFile, largeAs: as, onLargeFailure } = fields;
  if (Object.keys(fields).length === 0) return {};
  return { server: { keyEnv, allowsPlainKey, caFile, as }, onLargeFailure };
}
