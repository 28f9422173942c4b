import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CODES, planOf, scriptedEvaluation } from '../../../test/evaluation/scripted-evaluation.ts';
import { labelledModel, modelsById } from '../../core/model-id.ts';
import { tinyRouter } from '../../judging/fakes/tiny-router.ts';
import type { Router } from '../../judging/router.ts';
import { entropyMethod } from '../../strategy/entropy.ts';
import { majorityMethod } from '../../strategy/majority.ts';
import type { Method } from '../../strategy/method.ts';
import type { EvaluationPair } from './evaluation-pair.ts';
import { openManifest } from './open-manifest.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-manifest-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const { pair } = scriptedEvaluation();
const [small, large] = [labelledModel(pair, 'small'), labelledModel(pair, 'large')];
const deep = () => join(folder, 'a', 'b');

describe('the manifest of an evaluation', () => {
  it('is written once, and holds for the same evaluation again', async () => {
    const first = await openManifest(deep(), pair, planOf());
    expect(first.codes).toEqual(CODES);
    const text = await readFile(join(deep(), 'evaluation.json'), 'utf8');
    expect(await openManifest(deep(), pair, planOf({ shares: null, seeds: [9] }))).toEqual(first);
    expect(await readFile(join(deep(), 'evaluation.json'), 'utf8')).toBe(text);
    expect(await readdir(deep())).toEqual(['evaluation.json']);
    expect(JSON.parse(text)).toEqual(first.manifest);
  });

  const others: readonly (readonly [string, Partial<EvaluationPair>, object, string, string])[] = [
    [
      'small model digest',
      modelsById({ small: { ...small, digest: 'x' }, large }),
      {},
      'digest of small',
      'x',
    ],
    [
      'large model digest',
      modelsById({ small, large: { ...large, digest: 'x' } }),
      {},
      'digest of large',
      'x',
    ],
    ['library', { library: 'other' }, {}, 'scripted', 'other'],
    ['contextLength', { contextLength: 32 }, {}, '64', '32'],
    ['maxTokens', {}, { maxTokens: 13 }, '12', '13'],
    ['waveSize', {}, { waveSize: 5 }, '4', '5'],
  ];
  it.each(others)(
    'refuses a different %s, naming both values',
    async (name, of, plan, found, now) => {
      await openManifest(folder, pair, planOf());
      const refused = openManifest(folder, { ...pair, ...of }, planOf(plan));
      await expect(refused).rejects.toMatchObject({
        code: 'evaluation-invalid',
        message: `${folder} holds an evaluation with ${name} ${found}; this one has ${now}.`,
        remedy: expect.stringContaining('--out'),
      });
    },
  );

  it('accepts a router that was calibrated since, and no other router', async () => {
    const withRouter = (router: Router): EvaluationPair => ({
      ...pair,
      routers: new Map([['citer', router]]),
    });
    await openManifest(folder, withRouter(tinyRouter()), planOf());
    const calibrated = tinyRouter({ calibration: null, calibratedOn: new Set([5]) });
    expect(calibrated.digest).not.toBe(tinyRouter().digest);
    await openManifest(folder, withRouter(calibrated), planOf());
    const other = withRouter(tinyRouter({ temperature: 2 }));
    await expect(openManifest(folder, other, planOf())).rejects.toMatchObject({
      code: 'evaluation-invalid',
      message: expect.stringContaining('citer'),
    });
  });

  it('refuses a file of another version, and one that is not a manifest', async () => {
    const { manifest } = await openManifest(folder, pair, planOf());
    const path = join(folder, 'evaluation.json');
    for (const version of [0, 3]) {
      await writeFile(path, JSON.stringify({ ...manifest, version }));
      await expect(openManifest(folder, pair, planOf())).rejects.toMatchObject({
        code: 'evaluation-invalid',
        message: `${folder} holds an evaluation with version ${version}; this one has 2.`,
      });
    }
    for (const text of ['', 'null', '{}', '{"version":1', '{"version":1}', '[]']) {
      await writeFile(path, text);
      await expect(openManifest(folder, pair, planOf()), text).rejects.toMatchObject({
        code: 'evaluation-invalid',
        message: `${path} does not describe an evaluation.`,
      });
    }
  });

  it('names the path that could not be read or written', async () => {
    const path = join(folder, 'file');
    await writeFile(path, '');
    await expect(openManifest(path, pair, planOf())).rejects.toMatchObject({
      code: 'file-system-failed',
      fields: { errno: 'ENOTDIR' },
    });
    await expect(openManifest(join(folder, '\0'), pair, planOf())).rejects.toMatchObject({
      code: 'file-system-failed',
    });
  });

  it('refuses other options of a strategy that it has answers of, and takes new strategies', async () => {
    const strategies = (...methods: readonly Method[]) =>
      planOf({ strategies: methods.map((method) => ({ method, thresholds: [] })) });
    const withOptions = (strategyOptions: EvaluationPair['strategyOptions']): EvaluationPair => ({
      ...pair,
      strategyOptions,
    });
    const five = withOptions({
      steps: { draftCount: 2 },
      samples: { count: 5, temperature: undefined },
    });
    await openManifest(folder, pair, strategies(entropyMethod));
    const { manifest } = await openManifest(folder, five, strategies(majorityMethod));
    expect(manifest.options).toEqual({ entropy: '{}', majority: '{"samples.count":5}' });
    const nine = openManifest(
      folder,
      withOptions({ samples: { count: 9 } }),
      strategies(majorityMethod),
    );
    await expect(nine).rejects.toMatchObject({
      code: 'evaluation-invalid',
      message:
        `${folder} holds an evaluation with options of majority {"samples.count":5}; ` +
        'this one has {"samples.count":9}.',
    });
  });
});
