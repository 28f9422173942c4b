/** Quantities as people read them. Decimal units, three significant digits, a dot for the point. */

const STEPS = ['', 'k', 'M', 'G', 'T', 'P', 'E'] as const;

/** At most three significant digits, without a trailing ".0": 1.23, 12.3, 123. */
function threeDigits(value: number): string {
  const size = Math.abs(value);
  const text = value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** `12300000` as `12.3 MB`: the prefix that leaves one to three digits before the point. */
function withPrefix(value: number, unit: string): string {
  let scaled = value;
  let step = 0;
  // 999.5 would print as 1000, so it belongs to the next prefix.
  while (Math.abs(scaled) >= 999.5 && step < STEPS.length - 1) {
    scaled /= 1000;
    step += 1;
  }
  return `${threeDigits(scaled)} ${STEPS[step] ?? ''}${unit}`.trimEnd();
}

export function formatBytes(bytes: number): string {
  return withPrefix(bytes, 'B');
}

export function formatFlops(flops: number): string {
  return withPrefix(flops, 'FLOP');
}

/** A share from 0 to 1 as a whole percentage. Only the exact ends read as 0 % and 100 %. */
export function formatShare(share: number): string {
  const percent = Math.round(share * 100);
  if (percent === 0 && share > 0) return '<1%';
  if (percent === 100 && share < 1) return '>99%';
  return `${percent}%`;
}

/** A ratio to the large model alone; a dash if there is none. */
export function formatRatio(ratio: number | null): string {
  return ratio === null ? '–' : ratio.toFixed(2);
}

export function formatSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(milliseconds < 9995 ? 2 : 1)} s`;
}

/** Whole seconds as a clock: `0:07`, `12:34`, `1:02:03`. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, place) => String(part).padStart(place === 0 ? 1 : 2, '0')).join(':');
}

export function formatRate(perSecond: number): string {
  return perSecond >= 99.95 ? perSecond.toFixed(0) : perSecond.toFixed(1);
}
