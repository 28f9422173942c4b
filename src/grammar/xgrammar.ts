/**
 * XGrammar (Apache-2.0, compiled to WebAssembly) as the matching engine. Node cannot import its
 * package (a script that calls itself a module), so its text is run as a script, without access to
 * the process. An error inside it leaves it unusable: discard it then.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { compileFunction } from 'node:vm';
import { PilotfishError } from '../core/errors.ts';
import { invariant } from '../core/invariant.ts';
import { RecentEntries } from '../core/recent-entries.ts';
import type { TokenId } from '../core/token-id.ts';
import type { GrammarMatcher } from './grammar-tracker.ts';

/** The tokens of a pair, packed to be sent to another thread. */
export interface PackedVocabulary {
  /** The bytes of all tokens, concatenated. Control tokens have none. */
  readonly bytes: Uint8Array;
  /** [token count + 1] the start of each token, and the end of the last one. */
  readonly offsets: Int32Array;
  readonly endIds: Int32Array;
}

/**
 * The part of the library that is used. Its own types are wrong for raw vocabularies, which are
 * bytes.
 */
interface Library {
  readonly Grammar: { fromEBNF(text: string, root: string): Promise<Disposal> };
  readonly TokenizerInfo: {
    createTokenizerInfo(
      tokens: readonly Uint8Array[],
      type: 'raw',
      prependSpace: boolean,
      size: number,
      endIds: readonly number[],
    ): Promise<Disposal>;
  };
  readonly GrammarCompiler: {
    createGrammarCompiler(tokenizer: Disposal, cache: boolean): Promise<Compiler>;
  };
  readonly GrammarMatcher: {
    createGrammarMatcher(grammar: Disposal): Promise<LibraryMatcher>;
  };
}

interface Disposal {
  dispose(): void;
}

interface Compiler extends Disposal {
  compileGrammar(grammar: Disposal): Promise<Disposal>;
}

interface LibraryMatcher extends Disposal {
  acceptToken(id: number): boolean;
  rollBack(count: number): void;
  getNextTokenBitmask(): Promise<Int32Array>;
  isTerminated(): boolean;
}

const COMPILED_COUNT_MAX = 32;

/** The engine with one vocabulary. It must not be used again after one of its calls has failed. */
export class XGrammar {
  readonly #library: Library;
  readonly #log: readonly string[];
  readonly #compiler: Compiler;
  /** The recently used compiled grammars. */
  readonly #compiled = new RecentEntries<Disposal>(COMPILED_COUNT_MAX, (grammar) =>
    grammar.dispose(),
  );

  private constructor(library: Library, log: readonly string[], compiler: Compiler) {
    this.#library = library;
    this.#log = log;
    this.#compiler = compiler;
  }

  /** @throws PilotfishError `native-failed` if the package is broken or missing */
  static async create(vocabulary: PackedVocabulary): Promise<XGrammar> {
    const { library, log } = loadLibrary();
    const tokens = unpacked(vocabulary);
    const endIds = [...vocabulary.endIds];
    const { TokenizerInfo, GrammarCompiler } = library;
    const tokenizer = await TokenizerInfo.createTokenizerInfo(
      tokens,
      'raw',
      false,
      tokens.length,
      endIds,
    );
    const compiler = await GrammarCompiler.createGrammarCompiler(tokenizer, false);
    return new XGrammar(library, log, compiler);
  }

  /** @throws PilotfishError `grammar-invalid` if the engine cannot take the grammar */
  async open(text: string): Promise<GrammarMatcher & Disposable> {
    try {
      const grammar = this.#compiled.get(text) ?? (await this.#compile(text));
      return new XGrammarMatcher(await this.#library.GrammarMatcher.createGrammarMatcher(grammar));
    } catch (error) {
      const why = this.#log.join(' ').trim() || String(error);
      throw new PilotfishError('grammar-invalid', `The grammar cannot be compiled: ${why}`, {
        remedy: 'Use a smaller or simpler one.',
        cause: error,
      });
    }
  }

  async #compile(text: string): Promise<Disposal> {
    const grammar = await this.#library.Grammar.fromEBNF(text, 'root');
    const compiled = await this.#compiler.compileGrammar(grammar);
    grammar.dispose();
    this.#compiled.add(text, compiled);
    return compiled;
  }
}

class XGrammarMatcher implements GrammarMatcher, Disposable {
  readonly #matcher: LibraryMatcher;

  constructor(matcher: LibraryMatcher) {
    this.#matcher = matcher;
  }

  get hasEnded(): boolean {
    return this.#matcher.isTerminated();
  }

  accept(id: TokenId): boolean {
    return this.#matcher.acceptToken(id);
  }

  rollBack(count: number): void {
    this.#matcher.rollBack(count);
  }

  async nextMask(): Promise<Int32Array> {
    // The library would end its process if it were called after the end.
    invariant(!this.hasEnded, 'nothing follows the end');
    return await this.#matcher.getNextTokenBitmask();
  }

  [Symbol.dispose](): void {
    this.#matcher.dispose();
  }
}

function unpacked({ bytes, offsets }: PackedVocabulary): Uint8Array[] {
  return Array.from({ length: offsets.length - 1 }, (_, id) =>
    bytes.subarray(offsets[id], offsets[id + 1]),
  );
}

function loadLibrary(): { readonly library: Library; readonly log: readonly string[] } {
  const lines: string[] = [];
  const log = (...words: readonly unknown[]): void => {
    lines.push(words.map(String).join(' '));
  };
  try {
    const require = createRequire(import.meta.url);
    const path = require.resolve('@mlc-ai/web-xgrammar');
    const names = ['exports', 'module', 'process', 'location', 'console'];
    const script = compileFunction(readFileSync(path, 'utf8'), names, { filename: path });
    const module: { readonly exports: object } = { exports: {} };
    const location = { href: pathToFileURL(path).href };
    const quiet = { log, error: log, warn: log, info: log, debug: log };
    script.call({}, module.exports, module, undefined, location, quiet);
    return { library: module.exports as Library, log: lines };
  } catch (error) {
    throw new PilotfishError(
      'native-failed',
      'The package @mlc-ai/web-xgrammar cannot be loaded.',
      {
        remedy: 'Install the dependencies anew (npm ci).',
        cause: error,
      },
    );
  }
}
