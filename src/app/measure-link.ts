/**
 * How fast a device and a hub would write over a link, by scheme: the work behind `pilotfish bench
 * link`. Decisions and computing are measured on this machine; the link is computed.
 */

import { DEFAULT_PAIR, parsePair } from '../catalog/known-pairs.ts';
import { type Direction, type Link, type LinkRates, steadyLink } from '../channel/direction.ts';
import type { Exchange } from '../channel/exchange.ts';
import { type LinkMap, linkMap } from '../channel/link-map.ts';
import { type RadioChannel, radioDirection } from '../channel/radio.ts';
import { replayedTime } from '../channel/replay.ts';
import { type TokenTime, tokensPerSecond, tokenTime, totalsOf } from '../channel/scheme-time.ts';
import type { EvaluationResult } from '../evaluation/results.ts';
import type { MachineProfile } from '../machines/machine-profile.ts';
import type { EmulationWay } from './link/emulated-hub.ts';
import { checkEvaluated, keptAccuracy } from './link/kept-accuracy.ts';
import type { Machines } from './link/recosted-events.ts';
import { type EmulatedRuns, type EmulatedSpeed, runEmulated } from './link/run-emulated.ts';
import { type RunOptions, runSchemes, type SchemeRun } from './link/run-schemes.ts';
import { isYardstick, type LinkScheme, parseSchemes, usesHub } from './link/schemes.ts';
import { isBusy, profileStore, shortName } from './machine/local-profile.ts';
import type { PairOptions } from './pair-options.ts';
import { readResult } from './results/read-result.ts';

export interface MeasureLinkOptions extends Omit<RunOptions, 'uplink' | 'machines'>, LinkRates {
  /** `STRATEGY` or `STRATEGY:UPLINK`, separated by commas. */
  readonly schemes: string;
  readonly uplink?: RunOptions['uplink'] | undefined;
  /** In place of the rates. */
  readonly radio?: RadioChannel | undefined;
  /** The machines of the device and the hub, as names of profiles; default: this one. */
  readonly deviceProfile?: string | undefined;
  readonly hubProfile?: string | undefined;
  /** A file of `eval --json`: schemes that lose accuracy are left out of the map. */
  readonly accuracies?: string | undefined;
  /** The share of the large model's accuracy that a scheme of the map keeps. */
  readonly keep: number;
  /** How schemes with a hub also run over an emulated link; `none`: they do not. */
  readonly over: EmulationWay | 'none';
  readonly fullTokenCount: number;
  /** The command line that runs this program, for a hub in a network namespace. */
  readonly program?: readonly string[] | undefined;
}

export interface SchemeSpeed {
  readonly name: string;
  readonly tokenCount: number;
  /** Messages to the hub / tokens. */
  readonly transmittedShare: number;
  /** Mean bytes of a message, with its WebSocket header; null: none is sent. */
  readonly upBytes: number | null;
  readonly downBytes: number | null;
  /** Mean milliseconds of a token. */
  readonly time: TokenTime;
  readonly tokensPerSecond: number;
  /** As a share of the large model's accuracy; null: unknown. */
  readonly keptAccuracy: number | null;
  /** Whether it is in the map. */
  readonly isOnMap: boolean;
  /** Over the emulated link; null: it did not run there. */
  readonly emulated: EmulatedSpeed | null;
}

export interface MeasuredLink extends LinkRates {
  /** The pair and its temperature, in words. */
  readonly title: string;
  /** The machines of device and hub, in words; null: both are this one. */
  readonly machines: string | null;
  readonly radio: RadioChannel | null;
  readonly temperature: number;
  readonly seed: number;
  readonly schemes: readonly SchemeSpeed[];
  /** Null: no scheme keeps the accuracy. */
  readonly map: LinkMap | null;
  readonly keep: number;
  /** Whether an evaluation told the accuracies. */
  readonly hasAccuracies: boolean;
  /** What emulated the link, in words; null: nothing did. */
  readonly emulation: string | null;
  /** False if other programs occupied the processors. */
  readonly isQuiet: boolean;
}

/**
 * Runs the schemes on a pair, both models in this process, and computes their times over a link.
 * @throws PilotfishError `option-invalid`, `result-invalid`, and what `openEngine` and requests throw
 */
export async function measureLink(options: MeasureLinkOptions): Promise<MeasuredLink> {
  const { uplink = {}, accuracies, radio, temperature, seed, keep } = options;
  const { roundTripMs, upRate, downRate } = options;
  const schemes = parseSchemes(options.schemes, uplink);
  const evaluated = accuracies === undefined ? null : await accuraciesOf(accuracies, options);
  const wasBusy = isBusy();
  const machines = await machinesOf(options);
  const runs = await runSchemes(schemes, { ...options, uplink, machines });
  const emulated = await emulatedRuns(schemes, { ...options, uplink });
  const measured = runs.map((run) => {
    const { scheme, threshold, exchanges } = run;
    const kept = evaluated === null ? null : keptAccuracy(scheme, threshold, uplink, evaluated);
    const isOnMap = evaluated === null ? !isYardstick(scheme) : kept !== null && kept >= keep;
    const speed = { ...speedOf(run, options), keptAccuracy: kept, isOnMap };
    const timeOver = (link: LinkRates): TokenTime => timeOf(exchanges, link);
    return { ...speed, emulated: emulated?.speeds.get(scheme) ?? null, timeOver };
  });
  const onMap = measured.filter(({ isOnMap }) => isOnMap);
  return {
    ...{ title: titleOf(options), machines: machinesText(machines) },
    ...{ roundTripMs, upRate, downRate, radio: radio ?? null, temperature, seed, keep },
    schemes: measured.map(({ timeOver: _, ...scheme }) => scheme),
    map: onMap.length === 0 ? null : linkMap(onMap),
    hasAccuracies: evaluated !== null,
    emulation: emulated?.note ?? null,
    isQuiet: !wasBusy,
  };
}

/** @throws PilotfishError `result-invalid`, `option-invalid` if it is of other answers */
async function accuraciesOf(path: string, options: MeasureLinkOptions): Promise<EvaluationResult> {
  const evaluated = await readResult(path);
  checkEvaluated(evaluated, { ...namesOf(options), temperature: options.temperature }, path);
  return evaluated;
}

/** Null: no scheme runs over an emulated link. */
async function emulatedRuns(
  schemes: readonly LinkScheme[],
  options: MeasureLinkOptions & Pick<RunOptions, 'uplink'>,
): Promise<EmulatedRuns | null> {
  const { over, radio } = options;
  if (over === 'none' || !schemes.some(usesHub)) return null;
  const link = radio === undefined ? undefined : linkOf(options);
  return await runEmulated(schemes, { ...options, ...namesOf(options), way: over, link });
}

type Speed = Omit<SchemeSpeed, 'keptAccuracy' | 'isOnMap' | 'emulated'>;

function speedOf({ scheme, exchanges }: SchemeRun, options: MeasureLinkOptions): Speed {
  const { radio } = options;
  const time =
    radio === undefined
      ? timeOf(exchanges, options)
      : replayedTime(exchanges, (index) => linkOf(options, index));
  const { tokenCount, callCount } = totalsOf(exchanges);
  const calls = exchanges.flatMap(({ turns }) => turns.flatMap(({ call }) => call ?? []));
  return {
    ...{ name: scheme.name, tokenCount, transmittedShare: callCount / tokenCount },
    upBytes: mean(calls.flatMap(({ upBytes }) => (upBytes === 0 ? [] : upBytes))),
    downBytes: mean(calls.map(({ downBytes }) => downBytes)),
    ...{ time, tokensPerSecond: tokensPerSecond(time) },
  };
}

/** The totals tell all, unless drafts ahead share the time of an answer. */
function timeOf(exchanges: readonly Exchange[], rates: LinkRates): TokenTime {
  const isAhead = exchanges.some(({ aheadCount }) => aheadCount > 0);
  if (!isAhead) return tokenTime(totalsOf(exchanges), rates);
  return replayedTime(exchanges, () => steadyLink(rates));
}

/** @param draw the number of the fades, if there are any */
function linkOf({ radio, ...rates }: MeasureLinkOptions, draw = 0): Link {
  if (radio === undefined) return steadyLink(rates);
  const direction = (way: number): Direction =>
    radioDirection({ ...radio, seed: radio.seed + 2 * draw + way }, rates.roundTripMs / 2);
  return { up: direction(0), down: direction(1) };
}

function namesOf({ pair, small, large }: PairOptions) {
  const known = parsePair(pair ?? DEFAULT_PAIR.name);
  return { small: small ?? known.small, large: large ?? known.large };
}

function titleOf({ pair, small, large, temperature }: MeasureLinkOptions): string {
  const named = namesOf({ pair, small, large });
  const names = [named.small, named.large].map(shortName);
  return `${names.join(' → ')}, temperature ${temperature}`;
}

/** Null: all is measured on this machine. */
function machinesText(machines: Machines): string | null {
  const places = (['small', 'large'] as const).flatMap((role) => {
    const profile = machines[role];
    if (profile === undefined) return [];
    const predicted = profile.kind === 'predicted' ? ' (predicted)' : '';
    return [`${role === 'small' ? 'device' : 'hub'} on ${profile.name}${predicted}`];
  });
  return places.length === 0 ? null : places.join(', ');
}

/** @throws PilotfishError `profile-unknown`, `profile-invalid` */
async function machinesOf(options: MeasureLinkOptions): Promise<Machines> {
  const store = profileStore(options);
  const named = async (name: string | undefined): Promise<MachineProfile | undefined> =>
    name === undefined ? undefined : await store.find(name);
  return { small: await named(options.deviceProfile), large: await named(options.hubProfile) };
}

function mean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
