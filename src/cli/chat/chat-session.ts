/**
 * A conversation over one engine, which runs its lines. An error or a Ctrl-C ends its turn, never the
 * session, and the shown part of an answer remains in the history.
 */
import wrapAnsi from 'wrap-ansi';
import { PilotfishError, throwIfAborted } from '../../core/errors.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import type { StrategyValue } from '../../strategy/method.ts';
import type { CliDependencies } from '../cli-dependencies.ts';
import { exitCodeOf } from '../exit-code.ts';
import type { CliIo } from '../io.ts';
import { openForCommand } from '../open-for-command.ts';
import {
  draftFields,
  engineOptions,
  type GenerationOptions,
  type ProvisionalOptions,
  requestFields,
} from '../options/generation-flags.ts';
import { checked } from '../options/read-prompt.ts';
import { AnswerFold } from '../rendering/answer.ts';
import {
  type AnswerView,
  jsonView,
  plainView,
  showAnswer,
  terminalView,
} from '../rendering/answer-view.ts';
import { renderSummaryLine } from '../rendering/render-summary.ts';
import { printError } from '../report-error.ts';
import { CHAT_HELP, type ChatLine, parseChatLine } from './chat-command.ts';
import { Conversation } from './conversation.ts';
import { EngineHolder } from './engine-holder.ts';

export interface ChatOptions extends GenerationOptions, ProvisionalOptions {
  readonly strategy: string;
  readonly system?: string;
}

export class ChatSession implements AsyncDisposable {
  readonly #io: CliIo;
  readonly #dependencies: CliDependencies;
  readonly #json: boolean;
  readonly #fields: GenerateRequest;
  readonly #holder: EngineHolder;
  readonly #conversation: Conversation;
  #strategy: StrategyValue;
  #seed: number | undefined;
  #turn: AbortController | null = null;
  #exitCode: number | null = null;

  constructor(options: ChatOptions, io: CliIo, dependencies: CliDependencies) {
    this.#io = io;
    this.#dependencies = dependencies;
    this.#json = options.json === true;
    this.#fields = { ...requestFields(options), ...draftFields(options, io) };
    this.#conversation = new Conversation(options.system);
    this.#strategy = dependencies.parseStrategy(options.strategy);
    this.#seed = this.#fields.seed;
    const { speculative, steps, samples } = engineOptions(options);
    this.#holder = new EngineHolder({
      labelsOf: (strategy) => dependencies.labelsOf(strategy, { speculative, steps, samples }),
      open: (strategies, signal) => openForCommand(strategies, options, io, dependencies, signal),
    });
  }

  /** The exit code of the first turn that failed, or null. */
  get exitCode(): number | null {
    return this.#exitCode;
  }

  /** Loads the models that the first answer needs. */
  async open(): Promise<void> {
    await this.#holder.engineFor(this.#strategy, this.#io.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holder[Symbol.asyncDispose]();
  }

  /** Cancels the current turn. False if there is none, or it was cancelled before. */
  interrupt(): boolean {
    if (this.#turn === null || this.#turn.signal.aborted) return false;
    this.#turn.abort(new PilotfishError('aborted', 'The answer was stopped.'));
    return true;
  }

  get isBusy(): boolean {
    return this.#turn !== null;
  }

  /** Runs a line. False if it asks to leave. @throws any error that is not an error of a turn */
  async take(line: string): Promise<boolean> {
    this.#turn = new AbortController();
    const signal = AbortSignal.any([this.#io.signal, this.#turn.signal]);
    try {
      return await this.#act(parseChatLine(line), signal);
    } catch (error) {
      throwIfAborted(this.#io.signal);
      if (!PilotfishError.isInstance(error)) throw error;
      this.#fail(error);
      return true;
    } finally {
      this.#turn = null;
    }
  }

  async #act(line: ChatLine, signal: AbortSignal): Promise<boolean> {
    switch (line.kind) {
      case 'nothing':
        return true;
      case 'say':
        await this.#say(checked(line.text), signal);
        return true;
      case 'help':
        this.#note(CHAT_HELP);
        return true;
      case 'reset':
        this.#conversation.reset();
        this.#note('The conversation is forgotten.');
        return true;
      case 'strategy':
        this.#strategy = this.#dependencies.parseStrategy(line.text);
        this.#note(`The next answers are written with ${line.text}.`);
        return true;
      case 'seed':
        this.#seed = line.seed;
        this.#note(`The next answers are drawn with seed ${line.seed}.`);
        return true;
      case 'quit':
        return false;
    }
  }

  async #say(question: string, signal: AbortSignal): Promise<void> {
    const engine = await this.#holder.engineFor(this.#strategy, signal);
    const events = engine.generate({
      ...this.#fields,
      seed: this.#seed,
      strategy: this.#strategy,
      messages: this.#conversation.asking(question),
      signal,
    });
    const fold = new AnswerFold();
    try {
      const answer = await showAnswer(events, this.#view(), fold);
      if (!this.#json) this.#note(renderSummaryLine(answer));
    } finally {
      this.#conversation.keep(question, fold.text());
    }
  }

  #view(): AnswerView {
    if (this.#json) return jsonView(this.#io);
    if (this.#io.outIsTerminal) return terminalView(this.#io);
    // Every answer ends its line, because another follows.
    return { ...plainView(this.#io), close: () => this.#io.out('\n') };
  }

  /** A note for people: beside the answers on a terminal, on standard error in a pipe. */
  #note(text: string): void {
    const { outIsTerminal, columns, color } = this.#io;
    if (outIsTerminal && !this.#json) this.#io.out(`${color.dim(wrapAnsi(text, columns))}\n`);
    else this.#io.err(`${text}\n`);
  }

  #fail(error: PilotfishError): void {
    if (error.code === 'aborted' && !this.#json) {
      this.#note('(stopped)');
      return;
    }
    printError(error, this.#io, this.#json);
    this.#exitCode ??= exitCodeOf(error);
  }
}
