/** A report on a longer operation: a pull, a load, a measurement. */
export interface Progress {
  /**
   * The current activity, for people: "Pulling qwen2.5-coder-0.5b from PyPI". A new label starts a
   * new bar.
   */
  readonly label: string;
  readonly done: number;
  /** Null while it is unknown. */
  readonly total: number | null;
  readonly unit: 'bytes' | 'steps' | 'fraction';
}

export type OnProgress = (progress: Progress) => void;

/** A one-line message for people that is neither progress nor an error. */
export type OnNotice = (message: string) => void;

/** The cancellation and the progress reports of a longer operation. */
export interface Progressing {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
  readonly onNotice?: OnNotice | undefined;
}
