import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { OutputClosed, type ProcessEvents, processLifetime } from './process-lifetime.ts';

class FakeProcess extends EventEmitter implements ProcessEvents {
  readonly stdout = new EventEmitter();
  readonly stderr = new EventEmitter();
  readonly exits: number[] = [];

  exit(code: number): void {
    this.exits.push(code);
  }
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

describe('processLifetime', () => {
  it('cancels at the first Ctrl-C and exits at the second', () => {
    const host = new FakeProcess();
    const { signal, isTerminated } = processLifetime(host);
    host.emit('SIGINT');
    expect(signal.reason).toMatchObject({ code: 'aborted', message: 'Interrupted.' });
    expect([host.exits, isTerminated()]).toEqual([[], false]);
    host.emit('SIGINT');
    expect(host.exits).toEqual([130]);
  });

  it('tells termination apart', () => {
    const host = new FakeProcess();
    const { signal, isTerminated } = processLifetime(host);
    host.emit('SIGTERM');
    expect([signal.aborted, isTerminated(), host.exits]).toEqual([true, true, []]);
    host.emit('SIGTERM');
    expect(host.exits).toEqual([143]);
  });

  it('cancels quietly when the reader of standard output leaves, and never for standard error', () => {
    const host = new FakeProcess();
    const { signal } = processLifetime(host);
    host.stderr.emit('error', systemError('EPIPE'));
    expect(signal.aborted).toBe(false);
    host.stdout.emit('error', systemError('EPIPE'));
    host.stdout.emit('error', systemError('ERR_STREAM_DESTROYED'));
    expect(signal.reason).toBeInstanceOf(OutputClosed);
  });

  it.each([
    ['ENOSPC', 'disk-full'],
    ['EIO', 'file-system-failed'],
  ])('calls %s on standard output %s', (system, code) => {
    const host = new FakeProcess();
    const { signal } = processLifetime(host);
    host.stdout.emit('error', systemError(system));
    expect(signal.reason).toMatchObject({ code });
  });
});
