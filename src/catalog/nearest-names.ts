/** The known names closest to a mistyped one, for error messages. */

const SUGGESTIONS_MAX = 3;
/** Shorter input is close to every name. */
const NAME_CHARACTERS_MIN = 3;
/**
 * Longer input is never a typing error, and the distance takes time with the product of both
 * lengths.
 */
const NAME_CHARACTERS_MAX = 100;

export function nearestNames(name: string, known: readonly string[]): readonly string[] {
  if (name.length < NAME_CHARACTERS_MIN || name.length > NAME_CHARACTERS_MAX) return [];
  const wanted = name.toLowerCase();
  const distanceMax = Math.max(1, Math.floor(wanted.length / 4));
  return known
    .map((candidate) => ({ candidate, distance: distanceTo(wanted, candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= distanceMax)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, SUGGESTIONS_MAX)
    .map(({ candidate }) => candidate);
}

/** A part of a name counts as close: "0.5b-instruct" abbreviates a name. */
function distanceTo(wanted: string, candidate: string): number {
  return candidate.includes(wanted) ? 0 : editDistance(wanted, candidate);
}

/** Edits from `wanted` to a prefix of `candidate`: users seldom type whole names. */
function editDistance(wanted: string, candidate: string): number {
  let previous = Array.from({ length: candidate.length + 1 }, (_, index) => index);
  for (let row = 1; row <= wanted.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= candidate.length; column += 1) {
      const isSame = wanted[row - 1] === candidate[column - 1];
      const substituted = (previous[column - 1] ?? 0) + (isSame ? 0 : 1);
      const removed = (previous[column] ?? 0) + 1;
      const inserted = (current[column - 1] ?? 0) + 1;
      current.push(Math.min(substituted, removed, inserted));
    }
    previous = current;
  }
  return Math.min(...previous);
}
