/** The wire formats, on answers that real servers gave (test/fixtures has a note beside each). */
import { readFileSync } from 'node:fs';
import { createParser } from 'eventsource-parser';
import { describe, expect, it } from 'vitest';
import { GREEDY } from '../core/sampling-params.ts';
import { tokenIds } from '../core/token-id.ts';
import type { ServedPart } from './dialect.ts';
import { TOKEN_DIALECTS, type TokenServerKind } from './dialects.ts';

function fixture(kind: TokenServerKind, name: string): string {
  return readFileSync(new URL(`../../test/fixtures/${kind}/${name}`, import.meta.url), 'utf8');
}

interface Recorded {
  readonly kind: TokenServerKind;
  readonly model: string;
  readonly contextLength: number;
  readonly version: string;
  /** Of the texts of rows.json, and of the first of them for three tokens. */
  readonly rows: readonly number[];
  readonly stream: readonly number[];
  readonly inputCount: number;
  /** The token that ends the text of end.json. */
  readonly end: number;
}

const RECORDED: readonly Recorded[] = [
  {
    ...{ kind: 'llama-server', model: 'pocket/models/pocket-large.gguf', contextLength: 512 },
    ...{ version: 'b0-unknown', rows: [19, 19], stream: [19, 19, 16], inputCount: 3, end: 2 },
  },
  {
    ...{ kind: 'vllm', model: 'tm05', contextLength: 4096, version: '0.32.0' },
    ...{ rows: [11, 293], stream: [11, 293, 8], inputCount: 3, end: 151645 },
  },
];

function partsOf({ kind }: Recorded, name: string): readonly ServedPart[] {
  const parts: ServedPart[] = [];
  const parser = createParser({
    onEvent: ({ data }) => {
      if (data !== '[DONE]') parts.push(TOKEN_DIALECTS[kind].readPart(JSON.parse(data)));
    },
  });
  parser.feed(fixture(kind, name));
  return parts;
}

describe.each(RECORDED)('the answers of $kind', (recorded) => {
  const { kind } = recorded;
  const dialect = TOKEN_DIALECTS[kind];
  const read = (name: string): unknown => JSON.parse(fixture(kind, name));

  it('name its model, version and context', () => {
    const [model] = dialect.readList(read('models.json'));
    const facts = dialect.readFacts(read('facts.json'));
    expect(model?.name).toBe(recorded.model);
    expect(model?.contextLength ?? facts.contextLength).toBe(recorded.contextLength);
    expect(facts.version).toBe(recorded.version);
  });

  it('hold the tokens of a text', () => {
    expect(dialect.readTokens(read('tokenize.json'))).toHaveLength(7);
  });

  it('hold a row for every text, with three log-probabilities', () => {
    const { tokens, usage } = dialect.readRows(read('rows.json'), 2);
    expect(tokens.map((token) => token?.tokenId)).toEqual(recorded.rows);
    for (const token of tokens) {
      const largest = Math.max(...(token?.top.values() ?? []));
      expect(token?.top.size).toBe(3);
      expect(token?.logprob).toBe(largest);
      expect(largest).toBeLessThan(0);
    }
    expect(usage).toMatchObject({ readCount: 2 * recorded.inputCount + 1, writtenCount: 2 });
    expect(dialect.readRows(read('row.json'), 1).tokens[0]?.tokenId).toBe(recorded.rows[0]);
  });

  it('hold the parts of a stream, and its bill', () => {
    const parts = partsOf(recorded, 'stream.txt');
    expect(parts.flatMap(({ tokens }) => tokens.map(({ tokenId }) => tokenId))).toEqual(
      recorded.stream,
    );
    const counts = parts.flatMap(({ tokens, writtenCount }) =>
      tokens.length > 0 ? writtenCount : [],
    );
    expect(counts).toEqual([1, 2, 3]);
    expect(parts.map(({ end }) => end).filter((end) => end !== null)).toEqual(['limit']);
    expect(parts.at(-1)?.usage).toMatchObject({ readCount: recorded.inputCount, writtenCount: 3 });
  });

  it('say that the model has ended its text', () => {
    expect(dialect.readRows(read('end.json'), 1).tokens[0]?.tokenId).toBe(recorded.end);
    const parts = partsOf(recorded, 'end-stream.txt');
    expect(parts.flatMap(({ tokens }) => tokens.map(({ tokenId }) => tokenId))).toEqual([
      recorded.end,
    ]);
    expect(parts.map(({ end }) => end).filter((end) => end !== null)).toEqual(['model']);
  });

  it('that lack a row or a field are refused', () => {
    expect(() => dialect.readRows(read('row.json'), 2)).toThrow();
    expect(() => dialect.readRows({}, 1)).toThrow();
    expect(() => dialect.readPart({ choices: 1 })).toThrow();
    expect(() => dialect.readList(read('not-found.json'))).toThrow();
  });
});

describe.each(['vllm', 'llama-server'] as const)('the calls to %s', (kind) => {
  const asking = { model: 'big', sampling: GREEDY, seed: 7, topCount: 3 };

  it('give every parameter that the model could have a default for', () => {
    const { body } = TOKEN_DIALECTS[kind].rowsCall([tokenIds([1, 2]), tokenIds([1])], asking);
    expect(body).toMatchSnapshot();
    const stream = TOKEN_DIALECTS[kind].streamCall(
      tokenIds([1]),
      { tokenCountMax: 5, texts: ['.'] },
      {
        ...asking,
        topCount: null,
        seed: null,
        sampling: { ...GREEDY, temperature: 0.5, minP: 0.25, topP: 0.9, logitBias: { '3': -2 } },
      },
    );
    expect(stream.body).toMatchSnapshot();
  });
});

it('no more stop strings go to vLLM than it takes', () => {
  const asking = { model: 'big', sampling: GREEDY, seed: null, topCount: null };
  const texts = ['. ', '.\n', '! ', '!\n', '? ', '?\n'];
  const { body } = TOKEN_DIALECTS.vllm.streamCall([], { tokenCountMax: 5, texts }, asking);
  expect(body).toMatchObject({ stop: texts.slice(0, 4) });
});

it('tokens of llama-server that end within a character have no log-probabilities, and take none', () => {
  // As a real one answers to "a🙂bcd".
  const top_logprobs = [{ id: 5, logprob: -2 }];
  const entry = (id: number) => ({ id, logprob: -id, top_logprobs });
  const part = {
    ...{ index: 0, stop: true, stop_type: 'limit', tokens_predicted: 8, tokens_evaluated: 3 },
    tokens: [67, 175, 256, 250, 227, 68, 69, 70],
    completion_probabilities: [67, 227, 68, 69, 70].map(entry),
  };
  const tokens = TOKEN_DIALECTS['llama-server'].whole?.read(part) ?? [];
  expect(tokens.map(({ logprob }) => logprob)).toEqual([
    -67,
    null,
    null,
    null,
    -227,
    -68,
    -69,
    -70,
  ]);
  expect(tokens.map(({ top }) => top.size)).toEqual([1, 0, 0, 0, 1, 1, 1, 1]);
  const alone = { ...part, tokens: [175], completion_probabilities: null };
  const { tokens: rows } = TOKEN_DIALECTS['llama-server'].readRows(alone, 1);
  expect(rows).toEqual([{ tokenId: 175, logprob: null, top: new Map() }]);
});
