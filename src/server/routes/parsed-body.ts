import type { z } from 'zod';
import { RequestError } from '../refusal.ts';

/** @throws RequestError 400 that names the field */
export function parsedBody<S extends z.ZodType>(schema: S, body: unknown): z.infer<S> {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const param = issue?.path.join('.') || null;
  const where = param === null ? 'The request' : `The field ${param}`;
  throw new RequestError(400, `${where} is not valid: ${issue?.message}.`, {
    ...{ code: 'invalid_request', param },
  });
}
