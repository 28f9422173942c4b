/** The scheme with the most tokens per second on each of many links, by round trip and rate. */
import type { LinkRates } from './direction.ts';
import { type TokenTime, tokensPerSecond } from './scheme-time.ts';

export interface MapScheme {
  readonly name: string;
  readonly timeOver: (link: LinkRates) => Pick<TokenTime, 'ms'>;
}

/** A link whose rate is the same up and down. */
export interface MapPlace {
  readonly roundTripMs: number;
  readonly rate: number;
}

export interface MapCell extends MapPlace {
  /** The fastest scheme. */
  readonly best: string;
  readonly tokensPerSecond: number;
  /** Of every scheme, by its name. */
  readonly speeds: Readonly<Record<string, number>>;
}

export interface LinkMap {
  readonly roundTripsMs: readonly number[];
  readonly rates: readonly number[];
  readonly cells: readonly MapCell[];
}

export const ROUND_TRIPS_MS: readonly number[] = [1, 2, 5, 10, 20, 50, 100, 200, 500];
/** Bits per second. */
export const RATES: readonly number[] = [1e4, 1e5, 1e6, 1e7, 1e8, 1e9].flatMap((rate) =>
  rate === 1e9 ? [rate] : [rate, 3 * rate],
);

/** @param schemes at least one; of equally fast ones the first is the best */
export function linkMap(
  schemes: readonly MapScheme[],
  { roundTripsMs = ROUND_TRIPS_MS, rates = RATES }: Partial<Omit<LinkMap, 'cells'>> = {},
): LinkMap {
  const cells = roundTripsMs.flatMap((roundTripMs) =>
    rates.map((rate) => cellAt(schemes, { roundTripMs, rate })),
  );
  return { roundTripsMs, rates, cells };
}

function cellAt(schemes: readonly MapScheme[], place: MapPlace): MapCell {
  const { roundTripMs, rate } = place;
  const link = { roundTripMs, upRate: rate, downRate: rate };
  const speeds = schemes.map(({ name, timeOver }) => ({
    name,
    speed: tokensPerSecond(timeOver(link)),
  }));
  const best = speeds.reduce((first, other) => (other.speed > first.speed ? other : first));
  return {
    ...place,
    best: best.name,
    tokensPerSecond: best.speed,
    speeds: Object.fromEntries(speeds.map(({ name, speed }) => [name, speed])),
  };
}
