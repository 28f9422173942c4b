/** Writes the fields of one frame, little-endian, into a buffer of exactly its size. */
import { invariant } from '../core/invariant.ts';

export class FrameWriter {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #at = 0;

  constructor(byteCount: number) {
    this.#bytes = new Uint8Array(byteCount);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** An integer from 0 up, of 1 to 4 bytes. */
  unsigned(value: number, byteCount: number): void {
    invariant(
      Number.isSafeInteger(value) && value >= 0 && value < 2 ** (8 * byteCount),
      `${value} is an unsigned integer of ${byteCount} bytes`,
    );
    for (let index = 0; index < byteCount; index += 1) {
      this.#bytes[this.#at + index] = value >>> (8 * index);
    }
    this.#at += byteCount;
  }

  single(value: number): void {
    invariant(Number.isFinite(value), 'a number is finite');
    this.#view.setFloat32(this.#at, value, true);
    this.#at += 4;
  }

  double(value: number): void {
    invariant(Number.isFinite(value), 'a number is finite');
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  bytes(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** @param hex two digits a byte, `byteCount` bytes */
  hex(hex: string, byteCount: number): void {
    const bytes = Buffer.from(hex, 'hex');
    invariant(bytes.toString('hex') === hex && bytes.length === byteCount, `"${hex}" is hex`);
    this.bytes(bytes);
  }

  finish(): Uint8Array<ArrayBuffer> {
    invariant(this.#at === this.#bytes.length, 'a frame fills its buffer');
    return this.#bytes;
  }
}
