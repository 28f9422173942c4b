/** From names to advice: whether and where each strategy costs less than the large model alone. */
import { type AdviceReport, adviceReport } from './advice/advice-report.ts';
import { type PrepareAdviceOptions, prepareAdvice } from './advice/prepare-advice.ts';

export type AdviseOptions = PrepareAdviceOptions;

/**
 * Compares the cost of every strategy with that of the large model alone, for one prompt and one
 * answer of the given lengths: in time, weight traffic, FLOPs and, with prices, money. It says nothing
 * about the quality of the answers. Costs that no profile has are measured on this machine. Without
 * `share` and `acceptance` the strategies are tried out on a few built-in prompts.
 *
 * @throws PilotfishError before a model is pulled or loaded: `profile-unknown`, `profile-invalid`,
 *   `profile-incomplete`, `option-invalid`; later what pulling, loading and generating throw
 *
 * @example
 * const { places } = await advise({ pair: 'pocket', share: 0.2, acceptance: 0.7 });
 * for (const { name, faces } of places[0].strategies) console.log(name, faces.time.ratio);
 */
export async function advise(options: AdviseOptions = {}): Promise<AdviceReport> {
  return adviceReport(await prepareAdvice(options), options);
}
