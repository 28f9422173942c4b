import { describe, expect, it } from 'vitest';
import { abortError, ERROR_CODES, PilotfishError, throwIfAborted } from './errors.ts';
import { InvariantError, invariant, required, unreachable } from './invariant.ts';

describe('an operating error', () => {
  it('carries its code, its message, the values seen and the remedy', () => {
    const cause = new Error('underneath');
    const details = { remedy: 'Do this.', fields: { bytes: 3 }, cause };
    const error = new PilotfishError('disk-full', 'The disk is full.', details);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ code: 'disk-full', message: 'The disk is full.', ...details });
  });

  it('has no remedy, no fields and no cause by default', () => {
    const error = new PilotfishError('aborted', 'Cancelled.');
    expect(error).toMatchObject({ remedy: null, fields: {} });
    expect('cause' in error).toBe(false);
  });

  it('is recognised even if another copy of the package threw it; other errors are not', () => {
    const foreign = Object.assign(new Error('x'), { [Symbol.for('pilotfish.error')]: true });
    expect(PilotfishError.isInstance(foreign)).toBe(true);
    for (const other of [null, undefined, 'aborted', {}, new Error('aborted')]) {
      expect(PilotfishError.isInstance(other)).toBe(false);
    }
  });

  it('has codes that occur once and are kebab-case', () => {
    expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length);
    for (const code of ERROR_CODES) expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });
});

describe('an aborted signal', () => {
  it('throws the error that the caller gave as the reason', () => {
    const reason = new PilotfishError('disposed', 'The engine was closed.');
    const signal = AbortSignal.abort(reason);
    expect(abortError(signal)).toBe(reason);
    expect(() => throwIfAborted(signal)).toThrow(reason);
  });

  it('throws "aborted" with any other reason as the cause', () => {
    const signal = AbortSignal.abort('enough');
    expect(abortError(signal)).toMatchObject({ code: 'aborted', cause: 'enough' });
  });

  it('does not throw before the signal fires, or without a signal', () => {
    expect(() => throwIfAborted(new AbortController().signal)).not.toThrow();
    expect(() => throwIfAborted(undefined)).not.toThrow();
  });
});

describe('invariants', () => {
  it('pass if the condition holds and report a bug otherwise', () => {
    expect(() => invariant(true, 'fine')).not.toThrow();
    expect(() => invariant(false, 'two is one')).toThrow(InvariantError);
    expect(() => invariant(false, 'two is one')).toThrow(/two is one.*bug/);
  });

  it('count falsy values as present', () => {
    expect(required(0, 'a number')).toBe(0);
    expect(required('', 'a text')).toBe('');
    expect(() => required(null, 'a text')).toThrow(InvariantError);
    expect(() => required(undefined, 'a text')).toThrow(InvariantError);
  });

  it('name an unexpected value', () => {
    expect(() => unreachable('purple' as never)).toThrow(/"purple"/);
  });
});
