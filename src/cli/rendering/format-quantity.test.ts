import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatClock,
  formatFlops,
  formatRate,
  formatRatio,
  formatSeconds,
  formatShare,
} from './format-quantity.ts';

describe('format-quantity', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [999.6, '1 kB'],
    [12_345, '12.3 kB'],
    [491_400_000, '491 MB'],
    [1_000_000_000, '1 GB'],
    [1_230_000_000, '1.23 GB'],
  ])('writes %d bytes as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it('writes FLOPs', () => {
    expect(formatFlops(3.1e12)).toBe('3.1 TFLOP');
    expect(formatFlops(2e21)).toBe('2000 EFLOP');
  });

  it.each([
    [0, '0%'],
    [0.001, '<1%'],
    [0.25, '25%'],
    [0.999, '>99%'],
    [1, '100%'],
  ])('writes the share %d as %s', (share, text) => expect(formatShare(share)).toBe(text));

  it('writes ratios, times and rates', () => {
    expect(formatRatio(null)).toBe('–');
    expect(formatRatio(0.4149)).toBe('0.41');
    expect(formatSeconds(3424)).toBe('3.42 s');
    expect(formatSeconds(64_240)).toBe('64.2 s');
    expect([7, 754, 3723].map(formatClock)).toEqual(['0:07', '12:34', '1:02:03']);
    expect([17.46, 250.4].map(formatRate)).toEqual(['17.5', '250']);
  });
});
