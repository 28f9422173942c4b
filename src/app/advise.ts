/** From names to advice: whether and where each strategy costs less than the large model alone. */
import { PilotfishError } from '../core/errors.ts';
import { type AdviceReport, adviceReport } from './advice/advice-report.ts';
import { type PrepareAdviceOptions, prepareAdvice } from './advice/prepare-advice.ts';
import { prepareServerAdvice } from './advice/prepare-server-advice.ts';
import { elsewhereRole, withNamedServer, withoutServer } from './elsewhere/reach-elsewhere.ts';

export type AdviseOptions = PrepareAdviceOptions;

/**
 * Compares the cost of every strategy with that of the large model alone, for one prompt and one
 * answer of the given lengths: in time, weight traffic, FLOPs and, with prices, money. It says nothing
 * about the quality of the answers. Costs that no profile has are measured on this machine, and those
 * of a large model on a server (an address or a name of models.yaml as `large`) by calls to it. Without
 * `share` and `acceptance` the strategies are tried out on a few built-in prompts.
 *
 * @throws PilotfishError before a model is pulled or loaded: `profile-unknown`, `profile-invalid`,
 *   `profile-incomplete`, `option-invalid`; later what pulling, loading and generating throw
 *
 * @example
 * const { places } = await advise({ pair: 'pocket', share: 0.2, acceptance: 0.7 });
 * for (const { name, faces } of places[0].strategies) console.log(name, faces.time.ratio);
 */
export async function advise(given: AdviseOptions = {}): Promise<AdviceReport> {
  const options = await withNamedServer(given);
  const role = elsewhereRole(options);
  if (role === 'small') throw smallElsewhere(options.small);
  if (role === 'large') return adviceReport(await prepareServerAdvice(options), options);
  if (options.server !== undefined) throw withoutServer(options.large);
  return adviceReport(await prepareAdvice(options), options);
}

function smallElsewhere(small = ''): PilotfishError {
  const message = 'Advice compares with a small model that is measured here.';
  return new PilotfishError('option-invalid', message, {
    remedy: 'Name a small model that runs here with --small; the large one may be on a server.',
    fields: { option: '--small', value: small },
  });
}
