/**
 * A broken promise inside this program: a bug, never the user's fault. The checks stay on in
 * production.
 */
export class InvariantError extends Error {
  constructor(message: string) {
    super(`Invariant violated: ${message}. This is a bug in Pilotfish; please report it.`);
    this.name = 'InvariantError';
  }
}

/** Checks a condition that must hold. @throws InvariantError */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** Returns a value that must be present. @throws InvariantError */
export function required<T>(value: T | null | undefined, message: string): T {
  invariant(value !== null && value !== undefined, message);
  return value;
}

/** Makes the compiler prove that every case of a union was handled. */
export function unreachable(value: never): never {
  throw new InvariantError(`unexpected value ${JSON.stringify(value)}`);
}
