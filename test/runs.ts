/**
 * The number of runs of a property. `npm test` runs few; `npm run test:all` sets PILOTFISH_TEST_SCALE=1
 * and runs all. A larger scale is a soak: 20 runs each property twenty times as often. A failure prints
 * its seed and path at any scale.
 */
const SCALE = Number(process.env['PILOTFISH_TEST_SCALE'] ?? 0);

/** Whether there are enough runs for rare events. Only then may a test require them. */
export const RUNS_ARE_FULL: boolean = SCALE >= 1;

export function runs(quick: number, full: number): number {
  return RUNS_ARE_FULL ? Math.ceil(full * SCALE) : quick;
}

/**
 * The seed of the simulation. A check of a change repeats itself, so that it fails only by that
 * change. A soak explores: there fast-check chooses, and prints, the seed.
 */
export const SIMULATION_SEED: { readonly seed?: number } = SCALE > 1 ? {} : { seed: 20_261_130 };
