/** The session contract on every implementation of the port that needs no native library. */
import { describe, it } from 'vitest';
import { SessionBench, type SessionSubject } from '../../src/testing/contracts/session-bench.ts';
import { sessionContract } from '../../src/testing/contracts/session-contract.ts';
import { hubSubject, remoteLikeSubject, scriptedSubject } from './session-subjects.ts';

/** As a chat API: no rows of a given text, no log-probabilities. */
const writingSubject = (): SessionSubject => ({
  ...remoteLikeSubject({ capabilities: { outputRowCountMax: 0, reads: {} } }),
  name: 'a model that only writes',
});

for (const subject of [scriptedSubject, () => remoteLikeSubject(), writingSubject, hubSubject]) {
  const shown = subject();
  describe(`a session of ${shown.name}`, () => {
    for (const { name, run } of sessionContract(shown)) {
      it(name, () => run(new SessionBench(subject())));
    }
  });
}
