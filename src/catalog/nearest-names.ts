/** The known names closest to a mistyped one, for error messages. */

const SUGGESTIONS_MAX = 3;
/** Longer input is never a typing error, and the distance costs the product of both lengths. */
const NAME_CHARACTERS_MAX = 100;

export function nearestNames(name: string, known: readonly string[]): readonly string[] {
  if (name.length > NAME_CHARACTERS_MAX) return [];
  const wanted = name.toLowerCase();
  return known
    .map((candidate) => ({ candidate, distance: distanceTo(wanted, candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.max(2, candidate.length / 3))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, SUGGESTIONS_MAX)
    .map(({ candidate }) => candidate);
}

/** A start of the name counts as near: "qwen2.5-coder-0.5b" is short for one name, not far from it. */
function distanceTo(wanted: string, candidate: string): number {
  return wanted.length >= 3 && candidate.includes(wanted) ? 0 : editDistance(wanted, candidate);
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const substituted = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const removed = (previous[column] ?? 0) + 1;
      const inserted = (current[column - 1] ?? 0) + 1;
      current.push(Math.min(substituted, removed, inserted));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
