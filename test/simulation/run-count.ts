/** How often simulations run: few by default, as many as wanted for a long soak. */
export function runCount(usual: number): number {
  const wanted = Number(process.env['PILOTFISH_SIMULATION_RUNS'] ?? usual);
  return Number.isSafeInteger(wanted) && wanted > 0 ? wanted : usual;
}

/** Rare events are only asserted where there were enough runs for them. */
export function runsAtLeast(usual: number): boolean {
  return runCount(usual) >= usual;
}
