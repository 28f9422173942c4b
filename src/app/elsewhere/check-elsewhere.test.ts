import { expect, it } from 'vitest';
import { parseStrategy } from '../../strategy/strategy-value.ts';
import { ANY_HUB } from './reach-hub.ts';
import { checkElsewhere } from './reached-model.ts';

it('strategies that a fit decides about are checked before the fit is found', () => {
  const strategies = ['uhlm', 'cu-hlm', 'hlm', 'large'].map((text) => parseStrategy(text));
  for (const risk of ['averse', 'prone'] as const)
    checkElsewhere(strategies, { uplink: { risk } }, ANY_HUB);
  for (const tokenCount of ['offline', 'online'] as const) {
    checkElsewhere(strategies, { uplink: { sends: 'top', tokenCount } }, ANY_HUB);
  }
  const refused = () =>
    checkElsewhere([parseStrategy('speculative')], { uplink: { risk: 'averse' } }, ANY_HUB);
  expect(refused).toThrow(
    expect.objectContaining({
      code: 'capability-missing',
      remedy: expect.stringMatching(/hlm, uhlm, cu-hlm/),
    }),
  );
});
