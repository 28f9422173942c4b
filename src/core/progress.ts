/** A report of something that takes a while: a pull, a load, a measurement. */
export interface Progress {
  /** What is going on, for people: "Pulling qwen2.5-coder-0.5b from PyPI". Changes start a new bar. */
  readonly label: string;
  readonly done: number;
  /** Null while unknown. */
  readonly total: number | null;
  readonly unit: 'bytes' | 'steps' | 'fraction';
}

export type OnProgress = (progress: Progress) => void;

/** A one-line message for people that is neither progress nor an error. */
export type OnNotice = (message: string) => void;

/** How an operation that takes a while is cancelled, and whom it tells. */
export interface Progressing {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
  readonly onNotice?: OnNotice | undefined;
}
