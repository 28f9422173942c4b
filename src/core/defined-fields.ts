/** What of an object's fields is there: options of a command line become options of a function. */
export type DefinedFields<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out fields that are `undefined`, which is not the same as absent. */
export function definedFields<T extends object>(fields: T): DefinedFields<T> {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as DefinedFields<T>;
}
