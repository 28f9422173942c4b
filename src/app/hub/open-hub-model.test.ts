import { expect, it } from 'vitest';
import { parseStrategy } from '../../strategy/strategy-value.ts';
import { checkOverHub } from './open-hub-model.ts';

it('strategies that a fit decides about are checked before the fit is found', () => {
  const strategies = ['uhlm', 'cu-hlm', 'hlm', 'large'].map((text) => parseStrategy(text));
  for (const risk of ['averse', 'prone'] as const) checkOverHub(strategies, { uplink: { risk } });
  for (const tokenCount of ['offline', 'online'] as const) {
    checkOverHub(strategies, { uplink: { sends: 'top', tokenCount } });
  }
  const refused = () =>
    checkOverHub([parseStrategy('speculative')], { uplink: { risk: 'averse' } });
  expect(refused).toThrow(
    expect.objectContaining({
      code: 'capability-missing',
      remedy: expect.stringMatching(/hlm, uhlm, cu-hlm/),
    }),
  );
});
