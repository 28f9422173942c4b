/**
 * Measures how quiet the machine was, because timings say little while other processes compute. It reads
 * the processor time of other processes from the system's own counters (Linux).
 */
import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';

export interface Quietness {
  /**
   * The average number of processors that other processes kept busy; null if the system does not count
   * them.
   */
  readonly otherProcessors: number | null;
  /** The share of the time that the hypervisor gave to other machines. */
  readonly stolenShare: number | null;
  readonly processors: number;
  readonly loadBefore: number;
  readonly loadAfter: number;
  readonly seconds: number;
}

/** Ticks of the system's counters per second, on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const NOISE_BOUND = 0.1;

interface Counters {
  readonly busySeconds: number;
  readonly stolenSeconds: number;
}

export class MachineWatch {
  readonly #started = performance.now();
  readonly #loadBefore = loadavg()[0] ?? 0;
  readonly #before = systemCounters();
  readonly #ownBefore = ownSeconds();
  #childrenSeconds = 0;

  /** Adds a child's processor time to that of this process. Call it before the child ends. */
  addChild(seconds: number): void {
    this.#childrenSeconds += seconds;
  }

  finish(): Quietness {
    const seconds = (performance.now() - this.#started) / 1000;
    const processors = availableParallelism();
    const after = systemCounters();
    const base = {
      processors,
      loadBefore: this.#loadBefore,
      loadAfter: loadavg()[0] ?? 0,
      seconds,
    };
    if (this.#before === null || after === null) {
      return { ...base, otherProcessors: null, stolenShare: null };
    }
    const own = ownSeconds() - this.#ownBefore + this.#childrenSeconds;
    const others = after.busySeconds - this.#before.busySeconds - own;
    const stolen = after.stolenSeconds - this.#before.stolenSeconds;
    return {
      ...base,
      otherProcessors: Math.max(0, others / seconds),
      stolenShare: stolen / seconds / processors,
    };
  }
}

export function describeQuietness({ otherProcessors, stolenShare, ...rest }: Quietness): string {
  const load = `load ${rest.loadBefore.toFixed(1)} before, ${rest.loadAfter.toFixed(1)} after`;
  const length = `${rest.seconds.toFixed(0)} s`;
  if (otherProcessors === null) return `${length}; ${load}; other processes are not counted here`;
  const quiet = otherProcessors < NOISE_BOUND && (stolenShare ?? 0) < NOISE_BOUND;
  const others = `others used ${otherProcessors.toFixed(2)} of ${rest.processors} processors`;
  const stolen = `${(100 * (stolenShare ?? 0)).toFixed(1)} % stolen`;
  return `${length}; ${quiet ? 'quiet' : 'NOT QUIET'}: ${others}, ${stolen}; ${load}`;
}

/** Processor time of another process, its threads included. */
export function processSeconds(pid: number): number {
  const text = readText(`/proc/${pid}/stat`);
  // The name in parentheses may hold any text. User and system time are fields 14 and 15.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS_PER_SECOND;
}

function ownSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function systemCounters(): Counters | null {
  const line = /^cpu +(.+)$/m.exec(readText('/proc/stat'))?.[1];
  if (line === undefined) return null;
  const ticks = line.split(' ').map(Number);
  const [user = 0, nice = 0, system = 0, , , interrupt = 0, soft = 0, stolen = 0] = ticks;
  const busySeconds = (user + nice + system + interrupt + soft) / TICKS_PER_SECOND;
  return { busySeconds, stolenSeconds: stolen / TICKS_PER_SECOND };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
