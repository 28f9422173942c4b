/** Options with defaults. Each may be absent or, to spare callers a spread, `undefined`. */
export type OptionalFields<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** The fields of an object that are defined. */
export type DefinedFields<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Removes the fields that are `undefined`, so that a spread over defaults leaves those in place. */
export function definedFields<T extends object>(fields: T): DefinedFields<T> {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as DefinedFields<T>;
}
