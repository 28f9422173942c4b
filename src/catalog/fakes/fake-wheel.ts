/** Wheels for tests: zip files with a few entries, built byte by byte. */
import { crc32, deflateRawSync } from 'node:zlib';

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_OF_DIRECTORY = 0x06054b50;
const VERSION = 20;
const DEFLATED = 8;

export interface WheelEntry {
  readonly name: string;
  readonly bytes: Buffer;
  readonly isDeflated?: boolean;
  /** The size that the directory claims instead of the true one. */
  readonly claimedBytes?: number;
}

export function buildWheel(entries: readonly WheelEntry[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const isDeflated = entry.isDeflated === true;
    const body = isDeflated ? deflateRawSync(entry.bytes) : entry.bytes;
    const size = entry.claimedBytes ?? entry.bytes.byteLength;
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(VERSION, 0);
    shared.writeUInt16LE(isDeflated ? DEFLATED : 0, 4);
    shared.writeUInt32LE(crc32(entry.bytes), 10);
    shared.writeUInt32LE(body.byteLength, 14);
    shared.writeUInt32LE(size, 18);
    shared.writeUInt16LE(name.byteLength, 22);
    const header = Buffer.concat([uint32(LOCAL_HEADER), shared, name, body]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([uint32(CENTRAL_HEADER), uint16(VERSION), shared, tail, name]));
    local.push(header);
    offset += header.byteLength;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(directory.byteLength, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...local, directory, uint32(END_OF_DIRECTORY), end]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}
