/** The messages between the engine and the thread that follows grammars. */
import type { ErrorCode } from '../core/errors.ts';
import type { GrammarSource } from './grammar-request.ts';

export type ThreadCall =
  | { readonly kind: 'open'; readonly session: number; readonly source: GrammarSource }
  | {
      readonly kind: 'masks';
      readonly session: number;
      readonly answer: Int32Array;
      readonly from: number;
    }
  | { readonly kind: 'allowed-length'; readonly session: number; readonly answer: Int32Array }
  /** Judges a finished answer by the constraints that the grammar does not carry. */
  | { readonly kind: 'violation'; readonly session: number; readonly text: string }
  /** Gets no answer. */
  | { readonly kind: 'close'; readonly session: number };

/** The results of a call: masks, a length, the unkept constraints of a grammar, or a violation. */
export type ThreadValue =
  | { readonly masks: readonly (Int32Array | null)[] }
  | { readonly length: number }
  | { readonly unkept: readonly string[] }
  | { readonly violation: string | null };

export type ThreadReply =
  | { readonly isDone: true; readonly value: ThreadValue }
  | {
      readonly isDone: false;
      /** Null for a bug. */
      readonly code: ErrorCode | null;
      readonly message: string;
      readonly remedy: string | null;
      /** The engine's state may be inconsistent, so the thread must not be used any more. */
      readonly isFatal: boolean;
    };
