/** The cases of the session contract in which a call is cancelled or fails. */
import assert from 'node:assert/strict';
import { PilotfishError } from '../../core/errors.ts';
import { ids, isCode, type SessionCase } from './session-bench.ts';

/** The cases that need calls that can be held. */
export const IN_FLIGHT_CASES: readonly SessionCase[] = [
  {
    name: 'cancels the call in flight when it is disposed of',
    async run(bench) {
      const { session, subject } = bench;
      const release = subject.hold?.();
      const rejected = assert.rejects(bench.row(subject.prompt), isCode('disposed', 'aborted'));
      await new Promise((done) => setImmediate(done));
      const closing = session[Symbol.asyncDispose]();
      await rejected;
      release?.();
      await closing;
      assert.equal(bench.work().length, subject.isRemote ? 1 : 0);
    },
  },
  {
    name: 'cancels a stream in flight when it is disposed of, and meters it once',
    async run(bench) {
      const { session, subject } = bench;
      const release = subject.hold?.();
      const until = { tokenCountMax: 8 };
      const stream = session.write({ text: subject.prompt, until, purpose: 'draft' });
      const rejected = assert.rejects(stream.next(), isCode('disposed', 'aborted'));
      await new Promise((done) => setImmediate(done));
      const closing = session[Symbol.asyncDispose]();
      await rejected;
      release?.();
      await closing;
      assert.equal(bench.work().length, subject.isRemote ? 1 : 0);
    },
  },
  {
    name: 'cancels the call in flight when its request ends',
    async run(bench) {
      const release = bench.subject.hold?.();
      const rejected = assert.rejects(bench.row(bench.subject.prompt), isCode('aborted'));
      await new Promise((done) => setImmediate(done));
      bench.request.abort();
      await rejected;
      release?.();
    },
  },
];

/** The cases that need calls that can be made to fail. */
export const FAILURE_CASES: readonly SessionCase[] = [
  {
    name: 'fails with the error of its call, which is paid for once, and the next call is right',
    async run(bench) {
      const { subject } = bench;
      const failure = new PilotfishError('native-failed', 'a failure of the test');
      subject.failNext?.(failure);
      await assert.rejects(bench.row(subject.prompt), isCode('native-failed'));
      assert.equal(bench.work().length, subject.isRemote ? 1 : 0);
      assert.deepEqual(ids(await bench.written(3)), await bench.continuation(3));
    },
  },
];
