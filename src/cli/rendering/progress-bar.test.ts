import fc from 'fast-check';
import stringWidth from 'string-width';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { recordedIo } from '../../../test/cli/recorded-io.ts';
import type { Progress } from '../../core/progress.ts';
import { progressBar } from './progress-bar.ts';
import { renderProgressBar, renderProgressLine } from './render-progress.ts';

function pulling(done: number, label = 'Pulling qwen'): Progress {
  return { label, done, total: 100e6, unit: 'bytes' };
}

describe('progressBar', () => {
  let nowMs = 0;
  const clock = { nowMs: () => nowMs };

  beforeEach(() => {
    nowMs = 0;
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('writes a line for each label, and then every ten seconds, without a terminal', () => {
    const { io, err, out } = recordedIo();
    const bar = progressBar(io, clock);
    for (nowMs = 0; nowMs <= 21_000; nowMs += 1000) bar.onProgress(pulling(nowMs * 1000));
    bar.onNotice('Using the mirror.');
    bar.onProgress(pulling(0, 'Loading'));
    bar.stop();
    expect(err()).toBe(
      'Pulling qwen …\n' +
        'Pulling qwen: 10%, 10 MB of 100 MB, 1 MB/s, 1:30 left\n' +
        'Pulling qwen: 20%, 20 MB of 100 MB, 1 MB/s, 1:20 left\n' +
        'Using the mirror.\nLoading …\n',
    );
    expect(out()).toBe('');
  });

  it('draws nothing on a terminal for short work', () => {
    const { io, err } = recordedIo({ terminal: true });
    const bar = progressBar(io, clock);
    bar.onProgress(pulling(0));
    vi.advanceTimersByTime(299);
    bar.stop();
    vi.advanceTimersByTime(10_000);
    expect(err()).toBe('');
  });

  it('draws one bar on a terminal, puts notices above it, and wipes it', () => {
    const { io, err } = recordedIo({ terminal: true });
    const bar = progressBar(io, clock);
    bar.onProgress(pulling(0));
    vi.advanceTimersByTime(300);
    bar.onProgress(pulling(50e6));
    vi.advanceTimersByTime(1000);
    expect(err()).toContain(' 50%  50 MB of 100 MB');
    bar.onNotice('Retrying.');
    expect(err()).toContain('\u001b[2KRetrying.\n');
    bar.stop();
    expect(err().endsWith('\u001b[2K')).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('renderProgressBar', () => {
  it('shows label, bar and numbers', () => {
    expect(renderProgressBar(pulling(25e6), 5e6, 80)).toBe(
      'Pulling qwen  █████░░░░░░░░░░░░░░░░░░   25%  25 MB of 100 MB  5 MB/s  0:15 left',
    );
    const steps: Progress = { label: 'Measuring', done: 3, total: null, unit: 'steps' };
    expect(renderProgressBar(steps, null, 80)).toBe('Measuring  3');
    expect(renderProgressLine(steps, 2)).toBe('Measuring: 3, 2.0/s');
  });

  it('never reaches the last column and stays on one line', () => {
    const progress = fc.record({
      label: fc.string({ unit: 'grapheme' }),
      done: fc.double({ min: 0, max: 1e12, noNaN: true }),
      total: fc.option(fc.double({ min: 0, max: 1e12, noNaN: true })),
      unit: fc.constantFrom<Progress['unit']>('bytes', 'steps', 'fraction'),
    });
    const columns = fc.integer({ min: 2, max: 200 });
    fc.assert(
      fc.property(
        progress,
        fc.option(fc.double({ min: 0, max: 1e9 })),
        columns,
        (p, rate, width) => {
          const line = renderProgressBar(p, rate, width);
          expect(stringWidth(line)).toBeLessThan(width);
          expect(line).not.toContain('\n');
        },
      ),
    );
  });
});
