/** The types of the values that several schemas allow together. */
import type { ObjectPlace } from './place.ts';
import { isList, KEYWORDS_OF_TYPE, type SchemaType, schemaError } from './schema-keywords.ts';

const KNOWN = Object.keys(KEYWORDS_OF_TYPE) as readonly SchemaType[];
const ALL: readonly SchemaType[] = KNOWN.filter((type) => type !== 'integer');

/**
 * Without any `type`, they are the types that the keywords apply to: `properties` alone describes an
 * object.
 */
export function typesOf(places: readonly ObjectPlace[]): readonly SchemaType[] {
  const named = places.filter(({ schema }) => schema['type'] !== undefined);
  if (named.length === 0) return impliedTypes(places);
  return named.map(namedTypes).reduce(common);
}

function impliedTypes(places: readonly ObjectPlace[]): readonly SchemaType[] {
  const implied = ALL.filter((type) =>
    places.some(({ schema }) => {
      return Object.keys(schema).some((keyword) => KEYWORDS_OF_TYPE[type].includes(keyword));
    }),
  );
  const formats = places
    .map(({ schema }) => schema['format'])
    .filter((format) => typeof format === 'string');
  const byFormat = formats.map(
    (format): SchemaType => (NUMBER_FORMATS.includes(format) ? 'number' : 'string'),
  );
  const types = ALL.filter((type) => implied.includes(type) || byFormat.includes(type));
  return types.length === 0 ? ALL : types;
}
const NUMBER_FORMATS = ['int32', 'int64', 'float', 'double'];

function namedTypes({ schema, where }: ObjectPlace): readonly SchemaType[] {
  const { type } = schema;
  const names = isList(type) ? type : [type];
  const types = KNOWN.filter((name) => names.includes(name));
  if (types.length === names.length && types.length > 0) {
    return types.includes('number') ? types.filter((name) => name !== 'integer') : types;
  }
  const problem = `has an unknown "type": ${JSON.stringify(type)}`;
  throw schemaError(where, problem, `Use ${KNOWN.join(', ')}.`);
}

function common(a: readonly SchemaType[], b: readonly SchemaType[]): readonly SchemaType[] {
  return KNOWN.filter((type) => {
    if (type === 'integer') {
      const isBoth = (types: readonly SchemaType[]): boolean =>
        types.includes('integer') || types.includes('number');
      return isBoth(a) && isBoth(b) && !(a.includes('number') && b.includes('number'));
    }
    return a.includes(type) && b.includes(type);
  });
}
