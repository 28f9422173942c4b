/**
 * Whether a server's model cuts texts into the tokens of the small model. It is asked about texts, because
 * no server gives its whole vocabulary.
 */
import type { Vocabulary } from '../model/roles.ts';
import type { Dialect } from './dialect.ts';
import type { CallOptions, ServerClient } from './server-client.ts';

/** Words, digits, code, white space, and other scripts: where tokenizers differ first. */
const PROBES: readonly string[] = [
  'Natalia sold 48 clips in April, and half as many in May. How many in all?',
  'function add(a, b) {\n\treturn a + b; // 12345.678e-9\n}\n\n\n',
  "  It's   tokenised — “differently”, isn’t it?\r\n…",
  'Größe, naïve, Ελλάδα, Привет, 你好，世界, こんにちは, 안녕, مرحبا, 🙂👍🏽',
  'https://example.org/a_b?c=%20&d=[1,2]#e <b>x</b> \\frac{1}{2} $x^2$',
];

export interface ComparedServer {
  readonly client: ServerClient;
  readonly dialect: Pick<Dialect, 'tokenizeCall' | 'readTokens'>;
  readonly servedName: string;
}

/** @throws ServerFailure, PilotfishError `aborted` */
export async function hasTokens(
  { client, dialect, servedName }: ComparedServer,
  small: Vocabulary,
  options: CallOptions,
): Promise<boolean> {
  // The special tokens that structure a prompt.
  const chat = small.renderChat([
    { role: 'user', content: 'Hello!' },
    { role: 'assistant', content: 'Hi.' },
    { role: 'user', content: 'Bye.' },
  ]);
  for (const text of [...PROBES, chat]) {
    const own = withoutStart(small, small.tokenize(text));
    const answer = await client.send(dialect.tokenizeCall(text, servedName), options);
    const theirs = client.read('tokens', () => dialect.readTokens(answer));
    const isSame = own.length === theirs.length && own.every((id, at) => id === theirs[at]);
    if (!isSame) return false;
  }
  return true;
}

function withoutStart({ startToken }: Vocabulary, ids: readonly number[]): readonly number[] {
  return startToken !== null && ids[0] === startToken ? ids.slice(1) : ids;
}
