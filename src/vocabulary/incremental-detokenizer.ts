/**
 * Turns token bytes into text as they arrive. A UTF-8 character can span several tokens; its first
 * bytes are held back until it is complete. Bytes that can never become a character turn into U+FFFD.
 */
export class IncrementalDetokenizer {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #held: Uint8Array = new Uint8Array(0);

  /** Whether the beginning of a character is held back. */
  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  /** The text that these bytes complete. */
  push(bytes: Uint8Array): string {
    const all = Buffer.concat([this.#held, bytes]);
    const end = all.length - unfinishedLength(all);
    this.#held = all.subarray(end);
    return this.#decoder.decode(all.subarray(0, end));
  }

  /** The bytes that are still held back, as U+FFFD. The detokenizer starts anew. */
  flush(): string {
    const text = this.#decoder.decode(this.#held);
    this.#held = new Uint8Array(0);
    return text;
  }
}

const CHARACTER_BYTES_MAX = 4;

/** The number of bytes at the end that begin a character without ending it: 0 to 3. */
function unfinishedLength(bytes: Uint8Array): number {
  for (let back = 1; back < CHARACTER_BYTES_MAX && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] as number;
    const isContinuation = (byte & 0xc0) === 0x80;
    if (!isContinuation) return characterLength(byte) > back ? back : 0;
  }
  return 0;
}

/** The length in bytes of the character that starts with this byte; 1 for bytes that start none. */
function characterLength(lead: number): number {
  if (lead >= 0xf8) return 1;
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc2 ? 2 : 1;
}
