/**
 * A language model given by a function from prefixes to probabilities: small enough to enumerate, and
 * strict about its use. It keeps the tokens that each sequence was fed, so a strategy that forgets a
 * rollback reads the wrong distribution and fails its test.
 */
import type { ChatMessage } from '../../core/chat-message.ts';
import { PilotfishError, throwIfAborted } from '../../core/errors.ts';
import { invariant, required } from '../../core/invariant.ts';
import type { RowProgram, RowResult } from '../../core/row-program.ts';
import { type TokenId, tokenId, tokenIds } from '../../core/token-id.ts';
import { runRowProgram } from '../../sampling/run-row-program.ts';
import { OpenSequences } from '../open-sequences.ts';
import type {
  Forward,
  ForwardRequest,
  LanguageModel,
  ModelFacts,
  Sequence,
  Vocabulary,
} from '../roles.ts';

export interface ScriptedModelOptions {
  readonly name?: string;
  /** The text of each token; end-of-generation tokens have none. */
  readonly tokens: readonly string[];
  readonly endOfGeneration?: readonly number[];
  /** Tokens that structure prompts and add nothing to an answer. */
  readonly special?: readonly number[];
  /** Whether those are user-defined tokens, which any text that spells them out has. Default false. */
  readonly userDefined?: boolean;
  /** The probabilities of the next token, [tokens.length]. Zeros are allowed. */
  readonly next: (prefix: readonly TokenId[]) => readonly number[];
  /**
   * The hidden state of a row, by the text that ends with it. All states have the same length.
   * Default: the number of its tokens.
   */
  readonly hiddenState?: (prefix: readonly TokenId[]) => readonly number[];
  /** [hidden size] the embedding of a token. Default: the token id in all numbers. */
  readonly tokenEmbedding?: (id: TokenId) => readonly number[];
  readonly contextLength?: number;
  /** Default: the context length. */
  readonly cellCount?: number;
  readonly rowCountMax?: number;
  readonly sequenceCountMax?: number;
  /** Replaces the draw of a row's token, for example by an enumeration. */
  readonly choose?: (distribution: Float64Array, program: RowProgram, position: number) => TokenId;
  /** Runs before every forward: faults, delays, counting. */
  readonly onForward?: (request: ForwardRequest, signal?: AbortSignal) => Promise<void>;
}

const SEQUENCE_COUNT_MAX_DEFAULT = 16;
const PARAMETER_COUNTS = { body: 1000, outputHead: 100 };

export class ScriptedModel implements LanguageModel {
  readonly facts: ModelFacts;
  readonly vocabulary: Vocabulary;
  readonly #options: ScriptedModelOptions;
  readonly #sequences = new OpenSequences(() => this.facts.sequenceCountMax);

  constructor(options: ScriptedModelOptions) {
    this.#options = options;
    this.vocabulary = scriptedVocabulary(options);
    this.facts = {
      name: options.name ?? 'scripted',
      parameterCounts: PARAMETER_COUNTS,
      weightBytes: 1100,
      kvBytesPerToken: 10,
      hiddenSize: hiddenOf(options, []).length,
      contextLength: options.contextLength ?? 64,
      cellCount: options.cellCount ?? options.contextLength ?? 64,
      rowCountMax: options.rowCountMax ?? 8,
      sequenceCountMax: options.sequenceCountMax ?? SEQUENCE_COUNT_MAX_DEFAULT,
    };
  }

  tokenEmbedding(id: TokenId): Float32Array {
    if (this.#sequences.isClosed) throw new PilotfishError('disposed', 'The model was closed.');
    invariant(id >= 0 && id < this.#options.tokens.length, `there is no token ${id}`);
    const { hiddenSize } = this.facts;
    const { tokenEmbedding = (): number[] => Array(hiddenSize).fill(id) } = this.#options;
    return Float32Array.from(tokenEmbedding(id));
  }

  get sequenceCount(): number {
    return this.#sequences.count;
  }

  async countCachedTokens(): Promise<number> {
    return this.#sequences.tokenCount;
  }

  openSequence(): Sequence {
    const sequence: Sequence = new ScriptedSequence(this.#options, this.facts, {
      open: () => this.openSequence(),
      sequences: this.#sequences,
    });
    this.#sequences.admit(sequence);
    return sequence;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sequences.close();
  }
}

interface Home {
  readonly open: () => Sequence;
  /** The model's open sequences, which share one cache. */
  readonly sequences: OpenSequences;
}

class ScriptedSequence implements Sequence {
  readonly #options: ScriptedModelOptions;
  readonly #facts: ModelFacts;
  readonly #home: Home;
  #fed: TokenId[] = [];
  #closed = false;
  #busy = false;

  constructor(options: ScriptedModelOptions, facts: ModelFacts, home: Home) {
    this.#options = options;
    this.#facts = facts;
    this.#home = home;
  }

  get length(): number {
    return this.#fed.length;
  }

  async forward(request: ForwardRequest, signal?: AbortSignal): Promise<Forward> {
    this.#check(request);
    throwIfAborted(signal);
    this.#busy = true;
    try {
      await this.#options.onForward?.(request, signal);
      throwIfAborted(signal);
      if (this.#home.sequences.isClosed) {
        throw new PilotfishError('disposed', 'The model was closed.');
      }
      const start = this.#fed.length;
      this.#fed.push(...request.tokens);
      return { rows: this.#rows(request, start), waitedMs: 0, computeMs: 0 };
    } finally {
      this.#busy = false;
    }
  }

  async truncate(length: number): Promise<void> {
    invariant(!this.#busy, 'a sequence was cut while a forward ran');
    invariant(length >= 0 && length <= this.#fed.length, `cannot cut to ${length}`);
    this.#fed.length = length;
  }

  async fork(length: number = this.length): Promise<Sequence> {
    invariant(length >= 0 && length <= this.length, `cannot fork ${length} of ${this.length}`);
    const copy = this.#home.open();
    invariant(copy instanceof ScriptedSequence, 'a scripted model opens scripted sequences');
    copy.#fed = this.#fed.slice(0, length);
    return copy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#home.sequences.leave(this);
  }

  #check({ tokens, outputFrom }: ForwardRequest): void {
    invariant(!this.#closed, 'the sequence was closed');
    invariant(!this.#busy, 'two forwards of one sequence overlap');
    invariant(tokens.length > 0 && tokens.length <= this.#facts.rowCountMax, 'wrong row count');
    invariant(outputFrom >= 0 && outputFrom <= tokens.length, 'outputs start outside the rows');
    for (const token of tokens) {
      invariant(token >= 0 && token < this.#options.tokens.length, `there is no token ${token}`);
    }
    const { contextLength, cellCount } = this.#facts;
    const isLong = this.#fed.length + tokens.length > contextLength;
    // Stricter than a real cache, which counts shared cells once.
    if (isLong || this.#home.sequences.tokenCount + tokens.length > cellCount) {
      throw new PilotfishError('kv-full', 'The context is full.');
    }
  }

  #rows({ tokens, outputFrom, program }: ForwardRequest, start: number): RowResult[] {
    const rows: RowResult[] = [];
    for (let row = outputFrom; row < tokens.length; row += 1) {
      const end = start + row + 1;
      const probabilities = this.#options.next(this.#fed.slice(0, end));
      const result = this.#row(Float32Array.from(probabilities, Math.log), program, end);
      const state =
        program.hidden === true ? hiddenOf(this.#options, this.#fed.slice(0, end)) : null;
      rows.push(Object.assign(result, { hidden: state }));
    }
    return rows;
  }

  #row(logits: Float32Array, program: RowProgram, position: number): Omit<RowResult, 'hidden'> {
    const { choose } = this.#options;
    if (choose === undefined) return runRowProgram(logits, program, position);
    const { distribution, ...rest } = runRowProgram(
      logits,
      { ...program, distribution: true },
      position,
    );
    const drawn = required(distribution, 'the program computes the distribution');
    let choice: TokenId | null = null;
    // Rows after a rejected draft are never read. Drawing late avoids their branches.
    const chosen = (): TokenId => {
      choice ??= choose(drawn, program, position);
      return choice;
    };
    return {
      ...rest,
      distribution: program.distribution === true ? drawn : null,
      get tokenId(): TokenId {
        return chosen();
      },
      get logitGap(): number | null {
        return rest.logitGap === null ? null : Math.max(...logits) - (logits[chosen()] as number);
      },
    };
  }
}

/** The default is the position of the row, which is enough to detect mixed-up rows. */
function hiddenOf(
  { hiddenState = ({ length }) => [length] }: ScriptedModelOptions,
  prefix: readonly TokenId[],
): Float32Array {
  return Float32Array.from(hiddenState(prefix));
}

function scriptedVocabulary(options: ScriptedModelOptions): Vocabulary {
  const { tokens, endOfGeneration = [], special = [], userDefined = false } = options;
  const ends = new Set(tokenIds(endOfGeneration));
  const control = new Set(userDefined ? [] : tokenIds(special));
  const silent = new Set([...ends, ...control]);
  const plain = tokens.map((token, id) => (control.has(tokenId(id)) ? '' : token));
  const encoder = new TextEncoder();
  return {
    size: tokens.length,
    specialTokens: tokenIds(special).map((id) => ({
      ...{ id, text: tokens[id] ?? '', isUserDefined: userDefined },
      ...{ stripsBefore: false, stripsAfter: false },
    })),
    startToken: null,
    tokenString: (id) => tokens[id] ?? null,
    tokenBytes: (id) => (silent.has(id) ? new Uint8Array(0) : encoder.encode(tokens[id] ?? '')),
    isEndOfGeneration: (id) => ends.has(id),
    endOfGenerationIds: () => ends,
    tokenize: (text) => greedyTokens(text, tokens),
    tokenizeText: (pieces) => pieces.flatMap((piece) => greedyTokens(piece, plain)),
    renderChat: (messages) => messages.map(({ content }: ChatMessage) => content).join(''),
  };
}

/** Greedy tokenisation by the longest token that fits. */
function greedyTokens(text: string, tokens: readonly string[]): TokenId[] {
  const ids: TokenId[] = [];
  let rest = text;
  while (rest.length > 0) {
    const fits = tokens
      .map((token, id) => ({ token, id }))
      .filter(({ token }) => token !== '' && rest.startsWith(token))
      .sort((a, b) => b.token.length - a.token.length)[0];
    const { token, id } = required(fits, `no token begins "${rest}"`);
    ids.push(tokenId(id));
    rest = rest.slice(token.length);
  }
  return ids;
}
