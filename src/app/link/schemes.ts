/** A scheme: a strategy, and what its device sends with a draft. */
import type { SentDistribution } from '../../channel/message-bytes.ts';
import { PilotfishError } from '../../core/errors.ts';
import { isRule } from '../../strategy/fitted-uplink.ts';
import { isRandomControl, type StrategyValue } from '../../strategy/method.ts';
import { largeMethod } from '../../strategy/single-model.ts';
import type { UplinkOptions } from '../../strategy/strategy-options.ts';
import { parseStrategy } from '../../strategy/strategy-value.ts';
import { UPLINK_DEFAULTS } from '../../strategy/uplink.ts';

type Sends = NonNullable<UplinkOptions['sends']>;

export interface LinkScheme {
  /** As the user wrote it. */
  readonly name: string;
  readonly value: StrategyValue;
  /** Null: it transmits no drafts. */
  readonly sends: Sends | null;
  /** Tokens that the device drafts on while a verdict is on its way. */
  readonly aheadCount: number;
}

const AHEAD = 'ahead';
/** As many as a verdict leaves time for, in most cases. */
const AHEAD_COUNT = 16;

const SENDS: readonly Sends[] = ['distribution', 'top', 'ids'];

/**
 * @param text names of schemes, `STRATEGY`, `STRATEGY:UPLINK` or either of them with `:ahead` behind,
 *   separated by commas
 * @throws PilotfishError `option-invalid`, and as `parseStrategy`
 */
export function parseSchemes(text: string, uplink: UplinkOptions): readonly LinkScheme[] {
  const names = text.split(',').map((name) => name.trim());
  return [...new Set(names)].map((name) => parseScheme(name, uplink));
}

function parseScheme(name: string, uplink: UplinkOptions): LinkScheme {
  const [strategy = '', ...behind] = name.split(':');
  const isAhead = behind.at(-1) === AHEAD;
  const [given, ...more] = isAhead ? behind.slice(0, -1) : behind;
  const asked = uplink.ahead ?? 0;
  const aheadCount = isAhead && asked === 0 ? AHEAD_COUNT : asked;
  const value = parseStrategy(strategy);
  const { method } = value;
  const { needs, unit } = method;
  const isOneModel = needs.length === 1 && unit === null;
  if (method.sends === undefined && !isOneModel) {
    throw invalid(name, `${method.name} transmits no drafts`, 'Name drafts, "small" or "large"');
  }
  if (method.sends === undefined) {
    if (behind.length > 0) throw invalid(name, `${method.name} sends none`, `Name "${strategy}"`);
    return { name, value, sends: null, aheadCount: 0 };
  }
  const sends =
    given === undefined ? (uplink.sends ?? method.sends) : SENDS.find((one) => one === given);
  if (sends === undefined || more.length > 0) {
    throw invalid(
      name,
      `"${behind.join(':')}" is no uplink`,
      `Write one of ${SENDS.join(', ')} behind ":"`,
    );
  }
  return { name, value, sends, aheadCount };
}

function invalid(scheme: string, problem: string, remedy: string): PilotfishError {
  return new PilotfishError('option-invalid', `The scheme "${scheme}": ${problem}.`, {
    remedy: `${remedy}.`,
    fields: { option: '--schemes', value: scheme },
  });
}

/** Greedy drafts need no distribution. */
export function sentDistribution(
  { sends }: LinkScheme,
  temperature: number,
  uplink: UplinkOptions,
): SentDistribution {
  if (sends === 'distribution' && temperature > 0) return { kind: 'full' };
  if (sends !== 'top' || temperature === 0) return { kind: 'none' };
  const { tokenCount: asked, bitCount = UPLINK_DEFAULTS.bitCount } = uplink;
  // What a fit chooses shows in the run.
  const tokenCount = isRule(asked) ? undefined : asked;
  return { kind: 'top', tokenCount: tokenCount ?? UPLINK_DEFAULTS.tokenCount, bitCount };
}

export function usesHub({ value, sends }: LinkScheme): boolean {
  return sends !== null || value.method === largeMethod;
}

/** Whether its answers have the large model's distribution by construction. */
export function isLossless({ value, sends }: LinkScheme, { rest }: UplinkOptions): boolean {
  const { method } = value;
  if (method === largeMethod) return true;
  return sends !== null && method.threshold === null && !(sends === 'top' && rest === 'uniform');
}

/** Whether it is only there to compare with: the small model alone, and random controls. */
export function isYardstick({ value, sends }: LinkScheme): boolean {
  return isRandomControl(value.method) || (sends === null && value.method !== largeMethod);
}
