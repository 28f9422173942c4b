/**
 * The style of every strategy of a result, the same in every picture. A method may bring its own
 * style. Otherwise the models alone are drawn in ink, controls in grey, and other methods in the
 * first free style, with dashes once the hues are used up.
 */
import { required } from '../core/invariant.ts';
import type { Method } from '../strategy/method.ts';
import { HUES, type Hue, type MethodStyle, SHAPES, SOLID } from '../strategy/method-style.ts';
import { METHODS } from '../strategy/methods.ts';
import { isModelAlone } from './curves.ts';

/** The colour of text and lines on light backgrounds, and its counterpart on dark ones. */
export const INK: Hue = { light: '#1f2328', dark: '#e6e8eb' };
export const MUTED: Hue = { light: '#59636e', dark: '#a3adb8' };
export const GRID: Hue = { light: '#dfe3e8', dark: '#353b43' };
export const CONTROL: Hue = { light: '#7d868f', dark: '#9aa4ae' };
/** The colours of tokens on which the models agree and differ. */
export const AGREE: Hue = HUES.blue;
export const DIFFER: Hue = HUES.vermilion;

/** The dashes of strategies beyond the hues: those of the first, second and every later cycle. */
const DASHES: readonly (readonly number[])[] = [SOLID, [7, 3], [2, 3]];

/** Every light colour with its dark one: the page picks one by the reader's colour scheme. */
export const COLOR_PAIRS: readonly Hue[] = [
  ...new Set([
    ...[INK, MUTED, GRID, CONTROL, ...Object.values(HUES)],
    ...METHODS.flatMap(({ style }) => style?.hue ?? []),
  ]),
];

const LOOKS: readonly MethodStyle[] = SHAPES.flatMap((_, round) =>
  Object.values(HUES).map((hue, place) => ({
    hue,
    shape: SHAPES[(place + round) % SHAPES.length] ?? 'circle',
    dash: DASHES[Math.min(round, DASHES.length - 1)] ?? SOLID,
  })),
);

/**
 * @param strategies names of all strategies of a result, in order of appearance; an unknown method
 *   gets a style that no known one in the result has
 */
export function strategyStyles(
  strategies: readonly string[],
  controls: ReadonlySet<string>,
  methods: readonly Method[] = METHODS,
): ReadonlyMap<string, MethodStyle> {
  const own = new Map(methods.map(({ name, style }) => [name, style]));
  const taken = new Set(strategies.flatMap((name) => keyOf(own.get(name)) ?? []));
  const free = LOOKS.filter((look) => !taken.has(keyOf(look) ?? ''));
  let freeCount = 0;
  const controlNames = [...controls];
  const lookOf = (name: string): MethodStyle => {
    if (isModelAlone(name)) return { hue: INK, shape: 'circle', dash: SOLID };
    if (controls.has(name)) {
      const shape = SHAPES[controlNames.indexOf(name) % SHAPES.length] ?? 'circle';
      return { hue: CONTROL, shape, dash: SOLID };
    }
    return own.get(name) ?? required(free[freeCount++ % free.length], 'a look is free');
  };
  return new Map(strategies.map((name) => [name, lookOf(name)]));
}

function keyOf(style: MethodStyle | null | undefined): string | null {
  return style ? JSON.stringify(style) : null;
}
