/** The context of a gate in tests: seeded draws, and tokens with given texts. */
import { seededDraws } from '../../core/draws.ts';
import type { GateContext } from '../gate.ts';

/** @param texts the texts of the first tokens; all others have none */
export function gateContext(seed = 1, texts: readonly string[] = []): GateContext {
  return { draws: seededDraws(seed), tokenBytes: (id) => Buffer.from(texts[id] ?? '', 'utf8') };
}
