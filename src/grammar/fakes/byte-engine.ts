/** The matching engine with a small vocabulary: every byte, some longer tokens, one end token. */
import { tokenId } from '../../core/token-id.ts';
import { packVocabulary } from '../pack-vocabulary.ts';
import { type PackedVocabulary, XGrammar } from '../xgrammar.ts';

const LONGER = [
  'true',
  '{"',
  '"}',
  '"a"',
  '": ',
  '1e',
  '\\u00',
  'é',
  '日本',
  '😀',
  '", "',
  ' [',
  'ab',
];
const PIECES: readonly Uint8Array[] = [
  ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  ...LONGER.map((piece) => new TextEncoder().encode(piece)),
];
export const END_ID: number = PIECES.length;

export function byteVocabulary(): Promise<PackedVocabulary> {
  return packVocabulary({
    size: PIECES.length + 1,
    tokenBytes: (id) => PIECES[id] ?? new Uint8Array(0),
    endIds: [tokenId(END_ID)],
  });
}

export async function byteEngine(): Promise<XGrammar> {
  return await XGrammar.create(await byteVocabulary());
}

/** Whether the grammar allows exactly this text, byte by byte, and then the end. */
export async function allows(engine: XGrammar, grammar: string, text: string): Promise<boolean> {
  using matcher = await engine.open(grammar);
  const isAllowed = [...Buffer.from(text)].every((byte) => matcher.accept(tokenId(byte)));
  return isAllowed && matcher.accept(tokenId(END_ID));
}

/**
 * Writes a random text of allowed tokens. Towards the end it prefers tokens that close something.
 * @param pick a number from 0 up to the given one
 * @returns the bytes, or null if the text did not end in time
 */
export async function randomText(
  engine: XGrammar,
  grammar: string,
  pick: (count: number) => number,
): Promise<Buffer | null> {
  using matcher = await engine.open(grammar);
  const bytes: number[] = [];
  for (let count = 0; count < TOKEN_COUNT_MAX; count += 1) {
    const allowed = idsOf(await matcher.nextMask());
    const closing = allowed.filter((id) => id === END_ID || CLOSING.includes(id));
    const isLate = count > TOKEN_COUNT_MAX / 4 || pick(8) === 0;
    const from = isLate && closing.length > 0 ? closing : favoured(allowed, pick);
    const id = from[pick(from.length)] ?? END_ID;
    if (!matcher.accept(tokenId(id))) throw new RangeError(`token ${id} was allowed, yet refused`);
    if (id === END_ID) return Buffer.from(bytes);
    bytes.push(...(PIECES[id] ?? []));
  }
  return null;
}

const TOKEN_COUNT_MAX = 300;
const CLOSING = [...Buffer.from('"}]')];

/** Allows only ASCII and longer tokens half of the time. Strings would be mere noise otherwise. */
function favoured(allowed: readonly number[], pick: (count: number) => number): readonly number[] {
  const plain = allowed.filter((id) => (id >= 32 && id < 127) || id >= 256);
  return plain.length > 0 && pick(2) === 0 ? plain : allowed;
}

function idsOf(mask: Int32Array): number[] {
  return Array.from({ length: END_ID + 1 }, (_, id) => id).filter(
    (id) => (((mask[id >> 5] ?? 0) >>> (id & 31)) & 1) === 1,
  );
}
