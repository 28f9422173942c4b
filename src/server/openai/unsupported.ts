/** Fields that change an answer and that this server does not have. To ignore one would be wrong. */
import { RequestError } from '../refusal.ts';

/** By the values that ask for nothing. */
const UNSUPPORTED: Readonly<Record<string, readonly unknown[]>> = {
  tools: [],
  functions: [],
  tool_choice: ['none', 'auto'],
  top_logprobs: [0],
  echo: [false],
  suffix: [''],
  best_of: [1],
  modalities: [],
  audio: [],
};

/** @throws RequestError 400 */
export function refuseUnsupported(body: unknown): void {
  if (typeof body !== 'object' || body === null) return;
  const fields = Object.entries(body);
  const asked = fields.find(([name, value]) => {
    const idle = Object.hasOwn(UNSUPPORTED, name) ? UNSUPPORTED[name] : undefined;
    const isEmpty = value === null || (Array.isArray(value) && value.length === 0);
    return idle !== undefined && !isEmpty && !idle.includes(value);
  });
  if (asked === undefined) return;
  const [param] = asked;
  throw new RequestError(400, `This server does not support ${param}. Leave it out.`, {
    ...{ code: 'unsupported_parameter', param },
  });
}
