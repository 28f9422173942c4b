/** What whoever judges a row must see of it, beside the choice. Pure. */
import type { RowProgram } from '../core/row-program.ts';

export interface RowNeeds {
  /** Entropy and margin. */
  readonly uncertainty?: boolean;
  /** The hidden state. */
  readonly hidden?: boolean;
  /** At least so many of the largest log-probabilities: where several ask, rows may have more. */
  readonly topLogprobs?: number;
}

/** What serves all of them. */
export function joinNeeds(...all: readonly RowNeeds[]): RowNeeds {
  const topLogprobs = Math.max(0, ...all.map((needs) => needs.topLogprobs ?? 0));
  return {
    ...(all.some(({ uncertainty }) => uncertainty === true) ? { uncertainty: true } : {}),
    ...(all.some(({ hidden }) => hidden === true) ? { hidden: true } : {}),
    ...(topLogprobs > 0 ? { topLogprobs } : {}),
  };
}

/** The part of a request for rows that needs bear on. */
interface AsksForRows {
  readonly program: RowProgram;
  readonly hidden?: boolean;
}

/** The request, whose rows then have what is needed beside what it asked for. */
export function withNeeds<Request extends AsksForRows>(request: Request, needs: RowNeeds): Request {
  const { program } = request;
  const { hidden, ...ofProgram } = joinNeeds(asked(program), needs);
  return {
    ...request,
    program: { ...program, ...ofProgram },
    ...(hidden === true ? { hidden: true } : {}),
  };
}

function asked({ uncertainty = false, topLogprobs = 0 }: RowProgram): RowNeeds {
  return { uncertainty, topLogprobs };
}
