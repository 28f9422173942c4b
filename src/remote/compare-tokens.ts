/**
 * Whether a server's model cuts texts into the tokens of the small model. It is asked about texts, because
 * no server gives its whole vocabulary.
 */
import { PilotfishError } from '../core/errors.ts';
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

/** @throws PilotfishError `vocabulary-mismatch`, naming the text; ServerFailure */
export async function compareTokens(
  { client, dialect, servedName }: ComparedServer,
  small: Vocabulary,
  options: CallOptions,
): Promise<void> {
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
    const at = own.findIndex((id, index) => id !== theirs[index]);
    if (at < 0 && own.length === theirs.length) continue;
    throw mismatch(servedName, client.host, text);
  }
}

function withoutStart({ startToken }: Vocabulary, ids: readonly number[]): readonly number[] {
  return startToken !== null && ids[0] === startToken ? ids.slice(1) : ids;
}

function mismatch(model: string, host: string, text: string): PilotfishError {
  const shown = JSON.stringify(text.slice(0, 60));
  return new PilotfishError(
    'vocabulary-mismatch',
    `The model ${model} at ${host} has other tokens than the small model: they differ in ${shown}.`,
    {
      remedy:
        "Choose a small model of the large one's family, or a strategy of steps or queries, whose " +
        'models need not share their tokens.',
      fields: { model, host },
    },
  );
}
