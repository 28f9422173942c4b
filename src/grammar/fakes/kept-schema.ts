/** A schema without the constraints that its grammar does not carry, for a judge of its texts. */

type Json = Record<string, unknown>;

/** @param unkept as `POINTER: KEYWORD` */
export function keptSchema(schema: object | boolean, unkept: readonly string[]): object | boolean {
  const copy = structuredClone(schema);
  // With less in one option, several may match: the grammar is the union of the options.
  const unions = new Set<Json>();
  // From the inside out: a part of a constraint that is gone has no place.
  const inner = [...unkept].sort((a, b) => b.split('/').length - a.split('/').length);
  for (const line of inner) {
    const [pointer = '', keyword = ''] = line.split(': ');
    let place = copy as Json;
    for (const step of pointer.split('/').slice(1)) {
      if (step === 'oneOf') unions.add(place);
      place = place[step.replaceAll('~1', '/').replaceAll('~0', '~')] as Json;
    }
    if (keyword === 'oneOf') unions.add(place);
    // The names still count: they are not additional ones.
    else if (keyword === 'properties') place[keyword] = anyValues(place[keyword] as Json);
    else delete place[keyword];
  }
  for (const union of unions) {
    if (!Array.isArray(union['oneOf'])) continue;
    union['anyOf'] ??= union['oneOf'];
    delete union['oneOf'];
  }
  return copy;
}

function anyValues(properties: Json): Json {
  return Object.fromEntries(Object.keys(properties).map((name) => [name, true]));
}
