/**
 * Reads the fields of one frame in order. Nothing is allocated before the frame is known to hold it.
 * All methods throw PilotfishError `frame-invalid`, naming the field.
 */
import { frameInvalid } from './frame-invalid.ts';

export class FrameReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** An integer from 0 to `max`, of 1 to 4 bytes. */
  unsigned(field: string, byteCount: number, max: number = 2 ** (8 * byteCount) - 1): number {
    const from = this.#take(field, byteCount);
    let value = 0;
    for (let index = byteCount - 1; index >= 0; index -= 1) {
      value = value * 256 + (this.#bytes[from + index] as number);
    }
    if (value > max) throw frameInvalid(field, value, `an integer from 0 to ${max}`);
    return value;
  }

  single(field: string): number {
    return finite(field, this.#view.getFloat32(this.#take(field, 4), true));
  }

  double(field: string): number {
    return finite(field, this.#view.getFloat64(this.#take(field, 8), true));
  }

  /** A part of the frame, not a copy. */
  bytes(field: string, byteCount: number): Uint8Array {
    const from = this.#take(field, byteCount);
    return this.#bytes.subarray(from, from + byteCount);
  }

  hex(field: string, byteCount: number): string {
    const bytes = this.bytes(field, byteCount);
    return Buffer.from(bytes.buffer, bytes.byteOffset, byteCount).toString('hex');
  }

  /** The frame must end here. */
  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw frameInvalid('length', this.#bytes.length, `${this.#at} bytes`);
  }

  /** Moves past a field. @returns where it begins */
  #take(field: string, byteCount: number): number {
    const from = this.#at;
    const left = this.#bytes.length - from;
    if (byteCount > left) {
      throw frameInvalid('length', this.#bytes.length, `long enough: it ends within ${field}`);
    }
    this.#at += byteCount;
    return from;
  }
}

function finite(field: string, value: number): number {
  if (!Number.isFinite(value)) throw frameInvalid(field, value, 'a finite number');
  return value;
}
