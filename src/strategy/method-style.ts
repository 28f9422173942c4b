/**
 * How pictures draw a method: a hue, a shape and dashes, so that two methods never differ in only one of
 * them. The hues are by Okabe and Ito and by Paul Tol, with some darker ones. Readers with weak red,
 * green or blue vision can tell any two apart: they differ by 9 or more (CIEDE2000) in Machado's model.
 */

/** A colour on light grounds, and its counterpart on dark grounds. */
export interface Hue {
  readonly light: string;
  readonly dark: string;
}

export interface MethodStyle {
  readonly hue: Hue;
  readonly shape: Shape;
  /** The dashes of its line: lengths drawn and left out, in pixels. */
  readonly dash: readonly number[];
}

export type Shape = 'circle' | 'square' | 'triangle-up' | 'diamond' | 'triangle-down' | 'cross';

export const SHAPES: readonly Shape[] = [
  'circle',
  'square',
  'triangle-up',
  'diamond',
  'triangle-down',
  'cross',
];

export const SOLID: readonly number[] = [1, 0];

export function solidLine(hue: Hue, shape: Shape): MethodStyle {
  return { hue, shape, dash: SOLID };
}

/** The order in which methods without a style of their own take hues. */
type HueName =
  | 'blue'
  | 'vermilion'
  | 'green'
  | 'pink'
  | 'yellow'
  | 'indigo'
  | 'sky'
  | 'purple'
  | 'teal'
  | 'brown';

export const HUES: Readonly<Record<HueName, Hue>> = {
  blue: { light: '#0072b2', dark: '#56a7e0' },
  vermilion: { light: '#d55e00', dark: '#ff8a3d' },
  green: { light: '#009e73', dark: '#2fc79c' },
  pink: { light: '#cc79a7', dark: '#e39cc4' },
  yellow: { light: '#c4a000', dark: '#ffe45c' },
  indigo: { light: '#332288', dark: '#7b6cf0' },
  sky: { light: '#56b4e9', dark: '#8be0ff' },
  purple: { light: '#aa3377', dark: '#c94f93' },
  teal: { light: '#004d40', dark: '#208070' },
  brown: { light: '#7a4a1e', dark: '#96622f' },
};
