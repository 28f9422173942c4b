import { describe, expect, it } from 'vitest';
import { recordedIo } from '../../test/cli/recorded-io.ts';
import { ERROR_CODES, PilotfishError } from '../core/errors.ts';
import { InvariantError } from '../core/invariant.ts';
import { EXIT_CODE_HELP, exitCodeOf } from './exit-code.ts';
import { reportError } from './report-error.ts';

const UNKNOWN = new PilotfishError('model-unknown', 'There is no model "x".', {
  remedy: 'Use one of a, b.',
});

describe('reportError', () => {
  it('prints the error and its remedy, and sets the exit code', () => {
    const { io, out, err, exitCode } = recordedIo();
    reportError(UNKNOWN, io, false);
    expect(err()).toBe('error[model-unknown]: There is no model "x".\nhelp: Use one of a, b.\n');
    expect([out(), exitCode()]).toEqual(['', 2]);
  });

  it('ends JSON output with the error', () => {
    const { io, out } = recordedIo();
    reportError(new PilotfishError('kv-full', 'Full.'), io, true);
    expect(out()).toBe('{"type":"error","code":"kv-full","message":"Full.","remedy":null}\n');
  });

  it('reports every other error as internal, with the stack only on request', () => {
    const quiet = recordedIo();
    reportError(new InvariantError('1 is 1'), quiet.io, false);
    expect(quiet.exitCode()).toBe(70);
    expect(quiet.err()).toMatch(/^error\[internal\]: Invariant violated: 1 is 1\..*\nhelp: Report/);
    expect(quiet.err()).not.toContain('    at ');
    const loud = recordedIo({ env: { PILOTFISH_DEBUG: '1' } });
    reportError(new InvariantError('1 is 1'), loud.io, false);
    expect(loud.err()).toContain('    at ');
    const text = recordedIo();
    reportError('thrown text', text.io, false);
    expect(text.err()).toContain('error[internal]: thrown text\n');
  });

  it('lets no text from outside act on the terminal', () => {
    const { io, err } = recordedIo({ terminal: true });
    const remedy = 'Rename\u001b[2J it.';
    reportError(new PilotfishError('disk-full', 'a\u001b]0;x\u0007', { remedy }), io, false);
    expect(err()).toBe('error[disk-full]: a␛]0;x␇\nhelp: Rename␛[2J it.\n');
  });
});

describe('exit codes', () => {
  it('documents every code that an error can lead to', () => {
    const codes = ERROR_CODES.map((code) => exitCodeOf(new PilotfishError(code, '')));
    for (const code of new Set([...codes, exitCodeOf(null)])) {
      expect(EXIT_CODE_HELP).toMatch(new RegExp(`^  ${code} `, 'm'));
    }
    expect(new Set(codes)).toEqual(new Set([1, 2, 130]));
  });
});
