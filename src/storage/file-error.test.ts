import { describe, expect, it } from 'vitest';
import { PilotfishError } from '../core/errors.ts';
import { errnoOf, fileError, isDiskFull, isMissing } from './file-error.ts';

const ACCESS = { action: 'write', path: '/a/b', otherwise: 'choose another folder' };

function systemError(errno: string): Error {
  return Object.assign(new Error(`${errno}: something`), { code: errno });
}

describe('the error of a failed system call', () => {
  it.each([
    [
      'ENOSPC',
      'disk-full',
      'the disk is full (ENOSPC)',
      'Free some space, or choose another folder.',
    ],
    ['EDQUOT', 'disk-full', 'the disk quota is used up (EDQUOT)', 'Free some space, or choose'],
    [
      'EACCES',
      'file-system-failed',
      'permission is denied (EACCES)',
      'Check the path and its permissions, or choose another folder.',
    ],
    ['EISDIR', 'file-system-failed', 'it is a folder (EISDIR)', 'Check the path'],
    ['EWEIRD', 'file-system-failed', 'EWEIRD', 'Check the path and its permissions, or choose'],
  ])('names the path, the reason and a way out: %s', (errno, code, reason, remedy) => {
    const cause = systemError(errno);
    const error = fileError(cause, ACCESS);
    expect(error).toMatchObject({
      ...{ code, message: `Could not write /a/b: ${reason}.`, cause },
      ...{ remedy: expect.stringContaining(remedy), fields: { path: '/a/b', errno } },
    });
  });

  it('suggests no other folder where that would not help', () => {
    expect(fileError(systemError('EMFILE'), ACCESS)).toMatchObject({
      message: 'Could not write /a/b: too many files are open (EMFILE).',
      remedy: 'Close other programs, or raise the limit of open files (ulimit -n).',
    });
    const access = { action: 'read', path: '/a/b' };
    expect(fileError(systemError('ENOENT'), access)).toMatchObject({
      remedy: 'Check the path and its permissions.',
    });
  });

  it('has the code that the caller names, except for a full disk', () => {
    const access = { ...ACCESS, code: 'head-missing' } as const;
    expect(fileError(systemError('ENOENT'), access)).toMatchObject({ code: 'head-missing' });
    expect(fileError(systemError('ENOSPC'), access)).toMatchObject({ code: 'disk-full' });
  });

  it('is the same error for operating errors and bugs', () => {
    for (const error of [new PilotfishError('aborted', 'Stop.'), new TypeError('a bug'), 'text']) {
      expect(fileError(error, ACCESS)).toBe(error);
    }
  });
});

it('distinguishes missing files and full disks from other failures', () => {
  const errors = ['ENOENT', 'ENOTDIR', 'ENOSPC', 'EACCES'].map(systemError);
  expect(errors.map(errnoOf)).toEqual(['ENOENT', 'ENOTDIR', 'ENOSPC', 'EACCES']);
  expect(errors.map(isMissing)).toEqual([true, true, false, false]);
  expect(errors.map(isDiskFull)).toEqual([false, false, true, false]);
  expect([errnoOf(new Error('none')), errnoOf(null)]).toEqual([null, null]);
});
