/** A model that runs elsewhere, once it is reached: before the other model of the pair is loaded. */
import { PilotfishError } from '../../core/errors.ts';
import type { ModelRole } from '../../core/model-id.ts';
import type { BoundModel } from '../../judging/head.ts';
import type { Vocabulary } from '../../model/roles.ts';
import {
  missingCapability,
  type SessionCapabilities,
  type SessionNeeds,
} from '../../session/capabilities.ts';
import type { RemoteFacts, RemoteModel } from '../../session/remote-model.ts';
import type { Method, StrategyValue } from '../../strategy/method.ts';
import { METHODS } from '../../strategy/methods.ts';
import type { StrategyOptions } from '../../strategy/strategy-options.ts';
import { strategyValue } from '../../strategy/strategy-value.ts';

export interface ElsewhereFacts extends RemoteFacts {
  /** What answers are kept under: SHA-256, in hex. */
  readonly digest: string;
}

/** How a kind of place is called in messages. */
export interface ElsewhereWords {
  /** As in "it does not work over a hub". */
  readonly place: string;
  /** As in "the hub's model gives no hidden states". */
  readonly model: string;
}

export interface ReachedModel {
  readonly words: ElsewhereWords;
  readonly capabilities: SessionCapabilities;
  readonly facts: ElsewhereFacts;
  /** The model that trained heads know it by; null: none. */
  readonly bound: BoundModel | null;
  /** @param other the vocabulary of the model here @throws PilotfishError `vocabulary-mismatch` */
  open(other: Vocabulary): Promise<RemoteModel>;
  /** For a model that is not opened. */
  close(): Promise<void>;
}

type Place = Pick<ReachedModel, 'words' | 'capabilities'> & {
  /** Which model of the pair it is; default: the large one. */
  readonly role?: ModelRole;
};

/**
 * @throws PilotfishError `capability-missing` for strategies that ask more of the model than it
 *   gives, naming those that do not
 */
export function checkElsewhere(
  strategies: readonly StrategyValue[],
  options: StrategyOptions,
  place: Place,
): void {
  for (const value of strategies) {
    const why = missingElsewhere(value, options, place);
    if (why === null) continue;
    const works = METHODS.filter((method) => worksElsewhere(method, options, place));
    throw new PilotfishError(
      'capability-missing',
      `The strategy ${value.text} does not work ${place.words.place}: ${why}.`,
      {
        remedy: `Choose one of: ${works.map(({ name }) => name).join(', ')}.`,
        fields: { strategy: value.text },
      },
    );
  }
}

/**
 * Whether the model can be that of a method, at its default threshold. What a trained head asks of a
 * large model shows once the head is found.
 */
export function worksElsewhere(method: Method, options: StrategyOptions, place: Place): boolean {
  const { role = 'large' } = place;
  const isKnown = role === 'large' || hasHead(method, options);
  const isUsed = method.needs.includes(role) && isKnown;
  return isUsed && missingElsewhere(strategyValue(method), options, place) === null;
}

function missingElsewhere(
  value: StrategyValue,
  options: StrategyOptions,
  { words, capabilities, role = 'large' }: Place,
): string | null {
  const { method } = value;
  const other = method.needs.find((label) => label !== 'small' && label !== 'large');
  if (other !== undefined) return `it needs a ${other} model beside the pair`;
  const missing = missingCapability(needsOf(value, role, options), capabilities);
  return missing === null ? null : missing.replace(/^it /, `${words.model} `);
}

/** What a head that is not found yet asks beside this shows later. */
function needsOf(value: StrategyValue, role: ModelRole, options: StrategyOptions): SessionNeeds {
  const { method } = value;
  if (!hasHead(method, options)) {
    if (role === 'small') return {};
    return method.unit === 'step' ? { continues: true } : { outputRowCount: 1, verdicts: true };
  }
  // No fit changes what is asked of a model, and none may have been found yet.
  const uplink = { sends: options.uplink?.sends };
  return method.build(value, { ...options, uplink }).needs[role] ?? {};
}

function hasHead({ head }: Method, { routers, rewards }: StrategyOptions): boolean {
  if (head === null) return true;
  return (head.kind === 'router' ? routers : rewards)?.has(head.name) === true;
}
