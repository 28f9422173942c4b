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
  /** Gets no answer. */
  | { readonly kind: 'close'; readonly session: number };

export type ThreadReply =
  | { readonly isDone: true; readonly value: readonly (Int32Array | null)[] | number }
  | {
      readonly isDone: false;
      /** Null for a bug. */
      readonly code: ErrorCode | null;
      readonly message: string;
      readonly remedy: string | null;
      /** The engine's state may be inconsistent, so the thread must not be used any more. */
      readonly isFatal: boolean;
    };
