/**
 * How every strategy of a result looks, the same in every picture. A method brings its own style; what
 * has none is drawn by what it is: the models alone in ink, controls in grey, other methods in the
 * first look that is free, with dashes once the hues are used up.
 */
import { required } from '../core/invariant.ts';
import type { Method } from '../strategy/method.ts';
import { HUES, type Hue, type MethodStyle, SHAPES, SOLID } from '../strategy/method-style.ts';
import { METHODS } from '../strategy/methods.ts';
import { isModelAlone } from './curves.ts';

/** What is drawn in which colour: on light grounds, and what stands for it on dark ones. */
export const INK: Hue = { light: '#1f2328', dark: '#e6e8eb' };
export const MUTED: Hue = { light: '#59636e', dark: '#a3adb8' };
export const GRID: Hue = { light: '#dfe3e8', dark: '#353b43' };
export const CONTROL: Hue = { light: '#7d868f', dark: '#9aa4ae' };
/** Tokens on which the models agree and differ. */
export const AGREE: Hue = HUES.blue;
export const DIFFER: Hue = HUES.vermilion;

/** Of strategies beyond the hues: the first, the second, and every further time round. */
const DASHES: readonly (readonly number[])[] = [SOLID, [7, 3], [2, 3]];

/** Every light colour with its dark one: the page swaps them by what the reader prefers. */
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
 * @param strategies names of all strategies of a result, in order of appearance; a method that is not
 *   known is drawn in a look that no known one of the result has
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
