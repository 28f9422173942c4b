import { expect, it } from 'vitest';
import { decodeTensors, encodeTensors } from '../network/safetensors.ts';
import { someFit } from './fakes/some-fit.ts';
import { tinyRouter } from './fakes/tiny-router.ts';
import { decodeRouter, encodeRouter } from './router-file.ts';
import { fittedThreshold } from './uhlm-fit.ts';
import { decodeUhlmFit, encodeUhlmFit } from './uhlm-fit-file.ts';

it('gives back what was written', () => {
  const fit = someFit();
  expect(decodeUhlmFit(encodeUhlmFit(fit))).toEqual(fit);
  const bare = someFit({
    heldOut: null,
    offlineTokenCount: null,
    correlation: null,
    temperature: 0,
  });
  expect(decodeUhlmFit(encodeUhlmFit(bare))).toEqual(bare);
  expect(bare.digest).not.toBe(fit.digest);
});

it('has thresholds that follow from its law', () => {
  const fit = someFit();
  expect(fittedThreshold(fit, 'averse')).toBeCloseTo(0.1, 12);
  expect(fittedThreshold(fit, 'prone')).toBeCloseTo(1.1, 12);
  expect(fittedThreshold(someFit({ law: { slope: 0.5, intercept: 0.01 } }), 'averse')).toBe(null);
});

it('is no router, and a router is no fit', () => {
  expect(() => decodeUhlmFit(encodeRouter(tinyRouter()))).toThrow(
    expect.objectContaining({
      code: 'head-invalid',
      message: 'The file cannot be used as a fit of U-HLM: it holds no fit of U-HLM.',
    }),
  );
  expect(() => decodeRouter(encodeUhlmFit(someFit()))).toThrow('it holds no router');
});

it.each([
  ['"slope":0.5', '"slope":-0.5', 'law.slope'],
  ['"slope":0.5', '"slope":null', 'law.slope'],
  ['"temperature":1', '"temperature":-1', 'temperature'],
  ['"offlineTokenCount":3', '"offlineTokenCount":0', 'offlineTokenCount'],
  ['"skippedShare":0.5', '"skippedShare":5', 'heldOut.averse.skippedShare'],
  ['"strategy":"uhlm",', '', 'strategy'],
])('is refused with %s as %s', (from, to, field) => {
  const file = decodeTensors(encodeUhlmFit(someFit()));
  const facts = (file.metadata['facts'] ?? '').replace(from, to);
  expect(facts).not.toBe(file.metadata['facts']);
  const broken = encodeTensors({ ...file, metadata: { ...file.metadata, facts } });
  expect(() => decodeUhlmFit(broken)).toThrow(
    expect.objectContaining({ code: 'head-invalid', message: expect.stringContaining(field) }),
  );
});

it('is refused from a later version, without its questions, and cut anywhere', () => {
  const bytes = encodeUhlmFit(someFit());
  const file = decodeTensors(bytes);
  const later = encodeTensors({ ...file, metadata: { ...file.metadata, version: '2' } });
  expect(() => decodeUhlmFit(later)).toThrow('its version is 2, not 1 or earlier');
  const forgetful = encodeTensors({ ...file, tensors: new Map() });
  expect(() => decodeUhlmFit(forgetful)).toThrow('trained_on is not a list of questions');
  for (let length = 0; length < bytes.length; length += 97) {
    expect(() => decodeUhlmFit(bytes.slice(0, length))).toThrow(
      expect.objectContaining({ code: 'head-invalid' }),
    );
  }
});
