/**
 * How many times a property is tried. `npm test` tries few; `npm run test:all` sets
 * PILOTFISH_TEST_SCALE=1 and tries them all. A larger scale is a soak: 20 tries each property
 * twenty times as often. A failure prints its seed and path, whatever the scale.
 */
const SCALE = Number(process.env['PILOTFISH_TEST_SCALE'] ?? 0);

/** Whether there are enough runs for rare events: only then may a test insist on having seen them. */
export const RUNS_ARE_FULL: boolean = SCALE >= 1;

export function runs(quick: number, full: number): number {
  return RUNS_ARE_FULL ? Math.ceil(full * SCALE) : quick;
}
