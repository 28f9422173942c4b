/**
 * Progress on standard error. A terminal gets one bar that is redrawn, and wiped when it ends. A file or
 * pipe gets a plain line at the start of each label and then one every ten seconds. Short work is never
 * drawn on a terminal.
 *
 * The caller must call `stop()` in a `finally`: a running bar keeps the process alive.
 */

import { SingleBar } from 'cli-progress';
import { type Clock, systemClock } from '../../core/clock.ts';
import type { OnNotice, OnProgress, Progress } from '../../core/progress.ts';
import type { CliIo } from '../io.ts';
import { printableText } from './printable-text.ts';
import { RateMeter } from './rate-meter.ts';
import { renderProgressBar, renderProgressLine } from './render-progress.ts';
import { terminalStream } from './terminal-stream.ts';

/** Work that ends sooner is not worth a flash on the screen. */
const DRAW_DELAY_MS = 300;
const LINE_INTERVAL_MS = 10_000;
const REDRAWS_PER_SECOND = 10;

export interface ProgressBar {
  readonly onProgress: OnProgress;
  readonly onNotice: OnNotice;
  stop(): void;
}

export function progressBar(io: CliIo, clock: Clock = systemClock): ProgressBar {
  return io.errIsTerminal ? terminalBar(io, clock) : plainLines(io, clock);
}

function plainLines(io: CliIo, clock: Clock): ProgressBar {
  const meter = new RateMeter();
  let label: string | null = null;
  let lastLineMs = 0;
  return {
    onProgress: (progress) => {
      const now = clock.nowMs();
      const isNew = progress.label !== label;
      if (isNew) meter.reset();
      meter.add(progress.done, now, progress.unit);
      if (!isNew && now - lastLineMs < LINE_INTERVAL_MS) return;
      label = progress.label;
      lastLineMs = now;
      io.err(`${renderProgressLine(progress, meter.perSecond(now))}\n`);
    },
    onNotice: (message) => io.err(`${printableText(message)}\n`),
    stop: () => {
      label = null;
    },
  };
}

function terminalBar(io: CliIo, clock: Clock): ProgressBar {
  const meter = new RateMeter();
  let shown: SingleBar | null = null;
  let delay: NodeJS.Timeout | null = null;
  let latest: Progress | null = null;

  const draw = (): void => {
    delay = null;
    shown = startBar(io, () =>
      latest === null ? '' : renderProgressBar(latest, meter.perSecond(clock.nowMs()), io.columns),
    );
  };
  const stop = (): void => {
    if (delay !== null) clearTimeout(delay);
    delay = null;
    shown?.stop();
    shown = null;
    latest = null;
  };
  return {
    onProgress: (progress) => {
      if (latest?.label !== progress.label) {
        stop();
        meter.reset();
        delay = setTimeout(draw, DRAW_DELAY_MS);
      }
      latest = progress;
      meter.add(progress.done, clock.nowMs(), progress.unit);
      shown?.update(progress.done);
    },
    onNotice: (message) => {
      // The notice takes the bar's line. The bar returns below it.
      const interrupted = shown !== null;
      shown?.stop();
      shown = null;
      io.err(`${printableText(message)}\n`);
      if (interrupted) draw();
    },
    stop,
  };
}

/** A running cli-progress bar whose whole line is drawn by this file. */
function startBar(io: CliIo, line: () => string): SingleBar {
  const bar = new SingleBar({
    stream: terminalStream(io.err, () => io.columns),
    format: line,
    fps: REDRAWS_PER_SECOND,
    clearOnComplete: true,
    // Interrupts are handled here: the bar's own handler would swallow the first Ctrl-C.
    gracefulExit: false,
    // Cuts lines to the width instead of switching the terminal's wrapping off, which a killed
    // process would leave behind.
    linewrap: true,
  });
  bar.start(1, 0);
  return bar;
}
