/** A schema without the constraints that its grammar does not carry, for a judge of its texts. */

type Json = Record<string, unknown>;

/** @param unkept as `POINTER: KEYWORD` */
export function keptSchema(schema: object | boolean, unkept: readonly string[]): object | boolean {
  const copy = structuredClone(schema);
  for (const line of unkept) {
    const [pointer = '', keyword = ''] = line.split(': ');
    const place = pointer
      .split('/')
      .slice(1)
      .map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'))
      .reduce<Json>((at, step) => at[step] as Json, copy as Json);
    // The grammar is the union of the options.
    if (keyword === 'oneOf') place['anyOf'] ??= place['oneOf'];
    delete place[keyword];
  }
  return copy;
}
