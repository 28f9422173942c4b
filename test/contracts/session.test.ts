/** The session contract on every implementation of the port that needs no native library. */
import { describe, it } from 'vitest';
import { SessionBench, sessionContract } from '../../src/testing/contracts/session-contract.ts';
import { remoteLikeSubject, scriptedSubject } from './session-subjects.ts';

for (const subject of [scriptedSubject, remoteLikeSubject]) {
  const shown = subject();
  describe(`a session of ${shown.name}`, () => {
    for (const { name, run } of sessionContract(shown)) {
      it(name, () => run(new SessionBench(subject())));
    }
  });
}
