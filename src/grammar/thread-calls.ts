/** What is said between the engine and the thread that follows grammars. */
import type { ErrorCode } from '../core/errors.ts';

export type ThreadCall =
  | { readonly kind: 'open'; readonly session: number; readonly text: string }
  | {
      readonly kind: 'masks';
      readonly session: number;
      readonly answer: Int32Array;
      readonly from: number;
    }
  | { readonly kind: 'allowed-length'; readonly session: number; readonly answer: Int32Array }
  /** Not answered. */
  | { readonly kind: 'close'; readonly session: number };

export type ThreadReply =
  | { readonly isDone: true; readonly value: readonly (Int32Array | null)[] | number }
  | { readonly isDone: false; readonly code: ErrorCode | null; readonly message: string };
