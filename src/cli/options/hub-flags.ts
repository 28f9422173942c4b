/** The options of a device: which hub has the large model, and what happens while it is away. */
import type { OpenEngineOptions } from '../../app/open-engine.ts';
import { PilotfishError } from '../../core/errors.ts';
import { choice, type FlagTable, readFlags, text } from './flags.ts';

type HubOptions = NonNullable<OpenEngineOptions['hub']>;

interface HubFields {
  readonly hubUrl?: string | undefined;
  readonly hubKeyFile?: string | undefined;
  readonly hubCa?: string | undefined;
  readonly hubOffline?: HubOptions['offline'];
}

/** For commands whose answers must all be the strategy's own. */
export const HUB_ADDRESS_FLAGS: FlagTable<Omit<HubFields, 'hubOffline'>> = {
  hubUrl: text('--hub <URL>', 'take the large model of this hub: ws://HOST:PORT or wss://…'),
  hubKeyFile: text(
    '--hub-key-file <FILE>',
    'the file with the key of the hub (default: the variable PILOTFISH_HUB_KEY)',
  ),
  hubCa: text('--hub-ca <FILE>', 'trust this certificate of the hub, in PEM'),
};

export const HUB_FLAGS: FlagTable<HubFields> = {
  ...HUB_ADDRESS_FLAGS,
  hubOffline: choice(
    '--hub-offline <MODE>',
    'while the hub is away: go on with the small model alone and mark its tokens, or stop (default)',
    ['small', 'stop'],
  ),
};

/** @throws PilotfishError `option-invalid` for options of a hub without its address */
export function hubOptions(parsed: object): Pick<OpenEngineOptions, 'hub'> {
  const { hubUrl: url, ...others } = readFlags(HUB_FLAGS, parsed);
  const { hubKeyFile: keyFile, hubCa: caFile, hubOffline: offline } = others;
  if (url !== undefined) return { hub: { url, keyFile, caFile, offline } };
  if (Object.keys(others).length === 0) return {};
  throw new PilotfishError('option-invalid', 'An option of a hub is given, and no hub.', {
    remedy: 'Give the address of the hub with --hub.',
    fields: { option: '--hub' },
  });
}
