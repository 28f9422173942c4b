/** A session under test, with its meter and its request, and the model behind it. */
import assert from 'node:assert/strict';
import { PilotfishError } from '../../core/errors.ts';
import type { WorkEvent } from '../../core/events.ts';
import { required } from '../../core/invariant.ts';
import type { RowResult } from '../../core/row-program.ts';
import { GREEDY, type SamplingParams } from '../../core/sampling-params.ts';
import type { TokenId } from '../../core/token-id.ts';
import type { RowsRequest, Session } from '../../session/session.ts';
import { WorkRecorder } from '../../session/work-recorder.ts';

/** A model behind the port, as the contract uses it. */
export interface SessionSubject {
  readonly name: string;
  /** At least 6 tokens after which the model writes at least 12 more. */
  readonly prompt: readonly TokenId[];
  /** The model's greedy choice after a text. */
  choiceBehind(text: readonly TokenId[]): Promise<TokenId> | TokenId;
  tokenText(id: TokenId): string;
  /** Whether a token ends the generation. */
  isEndOfGeneration(id: TokenId): boolean;
  open(request: SubjectRequest): Session;
  /** Whether the model runs elsewhere: its sessions join the request's, and its calls send bytes. */
  readonly isRemote: boolean;
  /** Makes the next call wait until the result is called; null if calls cannot be held. */
  readonly hold: (() => () => void) | null;
  /** Makes the next call fail with this error; null if calls cannot be made to fail. */
  readonly failNext: ((error: Error) => void) | null;
  /** Checks that no session left anything open. */
  checkIdle(): Promise<void> | void;
}

export interface SubjectRequest {
  readonly signal: AbortSignal;
  readonly recorder: WorkRecorder;
  readonly remoteSessions: Set<AsyncDisposable>;
  readonly sampling: SamplingParams;
}

export interface SessionCase {
  readonly name: string;
  run(bench: SessionBench): Promise<void>;
}

/** A session of the subject, with its meter and its request's life. */
export class SessionBench {
  readonly subject: SessionSubject;
  readonly recorder: WorkRecorder = new WorkRecorder();
  readonly request: AbortController = new AbortController();
  /** The open sessions of a model that runs elsewhere. */
  readonly remoteSessions: Set<AsyncDisposable> = new Set();
  readonly session: Session;

  constructor(subject: SessionSubject, sampling: SamplingParams = GREEDY) {
    this.subject = subject;
    this.session = subject.open({
      ...{ signal: this.request.signal, recorder: this.recorder, sampling },
      remoteSessions: this.remoteSessions,
    });
  }

  /** The row after a text, of a model that gives rows or only writes. */
  async row(
    text: readonly TokenId[],
    request: Partial<RowsRequest> = {},
    session: Session = this.session,
  ): Promise<RowResult> {
    const asked = { text, purpose: 'draft' as const, ...request };
    const { outputRowCountMax } = session.capabilities;
    if (outputRowCountMax > 0) {
      const [row] = await session.rows({ ...asked, outputCount: 1 });
      return required(row, 'one row');
    }
    for await (const row of session.write({ ...asked, until: { tokenCountMax: 1 } })) return row;
    throw new assert.AssertionError({ message: 'it wrote no token' });
  }

  /** The model's greedy continuation of the prompt. */
  async continuation(count: number): Promise<readonly TokenId[]> {
    const text = [...this.subject.prompt];
    while (text.length < this.subject.prompt.length + count) {
      text.push(await this.subject.choiceBehind(text));
    }
    return text.slice(this.subject.prompt.length);
  }

  async written(tokenCountMax: number, texts: readonly string[] = []): Promise<RowResult[]> {
    const rows: RowResult[] = [];
    const until = { tokenCountMax, texts };
    const request = { text: this.subject.prompt, until, purpose: 'draft' as const };
    for await (const row of this.session.write(request)) rows.push(row);
    return rows;
  }

  work(): readonly WorkEvent[] {
    return this.recorder.drain();
  }
}

export function ids(rows: readonly RowResult[]): readonly TokenId[] {
  return rows.map(({ tokenId }) => tokenId);
}

export function outputCount(work: readonly WorkEvent[]): number {
  return work.reduce((sum, { outputRowCount }) => sum + outputRowCount, 0);
}

export function isCode(...codes: readonly string[]): (error: unknown) => boolean {
  return (error) => PilotfishError.isInstance(error) && codes.includes(error.code);
}
