/**
 * The fields of an object that are defined. It turns the options of a command line into the options
 * of a function.
 */
export type DefinedFields<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/**
 * Removes the fields that are `undefined`, because an undefined field is not the same as an absent
 * one.
 */
export function definedFields<T extends object>(fields: T): DefinedFields<T> {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as DefinedFields<T>;
}
