/** Circles among files that import each other, by Tarjan's algorithm for strongly connected components. */

interface Visit {
  /** In the order of the walk. */
  readonly place: number;
  /** The earliest file that is reached from here and still open. */
  low: number;
}

/** @param graph the imports of each file. @returns the files of each circle, sorted */
export function importCircles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const visits = new Map<string, Visit>();
  const open: string[] = [];
  const circles: string[][] = [];

  const walk = (file: string): Visit => {
    const visit = { place: visits.size, low: visits.size };
    visits.set(file, visit);
    open.push(file);
    const imported = graph.get(file) ?? [];
    for (const next of imported) {
      const known = visits.get(next);
      if (known === undefined) visit.low = Math.min(visit.low, walk(next).low);
      else if (open.includes(next)) visit.low = Math.min(visit.low, known.place);
    }
    if (visit.low === visit.place) {
      const component = open.splice(open.indexOf(file));
      if (component.length > 1 || imported.includes(file)) circles.push(component.sort());
    }
    return visit;
  };

  for (const file of graph.keys()) if (!visits.has(file)) walk(file);
  return circles;
}
