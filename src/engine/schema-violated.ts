/** The error of an answer that still violates its JSON schema after its last draw. */
import { PilotfishError } from '../core/errors.ts';

export function schemaViolated(violation: string, drawCount: number): PilotfishError {
  return new PilotfishError(
    'schema-violated',
    `The answer violates its JSON schema: ${violation} (${drawCount} draws).`,
    {
      remedy:
        'Say in the prompt what the schema asks for, give another seed, or write the schema without ' +
        'what a grammar cannot carry (a strict request names it).',
      fields: { violation, drawCount },
    },
  );
}
