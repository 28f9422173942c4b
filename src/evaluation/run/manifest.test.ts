import { describe, expect, it } from 'vitest';
import { modelsById } from '../../core/model-id.ts';
import type { EvaluatedModel } from './evaluation-pair.ts';
import { type EvaluationFacts, joinManifest, type Manifest, parseManifest } from './manifest.ts';

const model = (name: string, digest: string = `digest of ${name}`): EvaluatedModel => ({
  ...{ name, digest, parameterCounts: { body: 10, outputHead: 2 } },
  ...{ weightBytes: 12, kvBytesPerToken: 1, rowCountMax: 4 },
});
const [SMALL, LARGE, PRM] = [model('tiny'), model('huge'), model('prm')];

const runOf = (changes: Partial<EvaluationFacts> = {}): EvaluationFacts => ({
  ...modelsById({ small: SMALL, large: LARGE }),
  ...{ library: 'lib', template: 'own', contextLength: 64, maxTokens: 8, waveSize: 4, routers: {} },
  options: {},
  temperature: 0,
  drawSeed: 0,
  ...changes,
});

const manifestOf = (run: EvaluationFacts = runOf()): Manifest =>
  joinManifest(null, run, 'a folder').manifest;

describe('the manifest of a folder', () => {
  it('gives every model a code of one letter, with a number where the letter is taken', () => {
    const { models, labels } = modelsById({ small: SMALL, large: LARGE, reward: PRM });
    const other = { ...models, critic: model('critic'), coach: model('coach') };
    const { manifest, codes } = joinManifest(null, runOf({ models: other, labels }), 'a folder');
    const given = Object.entries(manifest.models).map(([id, { code }]) => [id, code]);
    expect(Object.fromEntries(given)).toEqual({
      tiny: 's',
      huge: 'l',
      prm: 'r',
      critic: 'm',
      coach: 'm2',
    });
    for (const [id = '', code = ''] of given) {
      expect([codes.idOf(code), codes.codeOf(id)]).toEqual([id, code]);
    }
    expect(codes.idOf('x')).toBeNull();
    expect(() => codes.codeOf('x')).toThrow('x has a code');
  });

  it('adds a new model, and keeps a model that the run does not use', () => {
    const guided = runOf(modelsById({ small: SMALL, large: LARGE, reward: PRM }));
    const wider = joinManifest(manifestOf(), guided, 'a folder');
    expect(wider.manifest.labels).toEqual({ small: 'tiny', large: 'huge', reward: 'prm' });
    expect(wider.codes.codeOf('prm')).toBe('r');
    const again = joinManifest(wider.manifest, runOf(), 'a folder');
    expect(again.manifest).toEqual(wider.manifest);
    expect(again.codes.idOf('r')).toBe('prm');
  });

  it('identifies a model by its label and digest, even after its file was renamed', () => {
    const renamed = runOf(modelsById({ small: model('other', SMALL.digest), large: LARGE }));
    const { manifest, codes } = joinManifest(manifestOf(), renamed, 'a folder');
    expect(manifest).toEqual(manifestOf());
    expect([codes.idOf('s'), codes.codeOf('other')]).toEqual(['other', 's']);
  });

  it('refuses another model under a known label or id', () => {
    const reward = runOf(modelsById({ small: SMALL, large: LARGE, reward: PRM }));
    const others = [
      [runOf(modelsById({ small: model('tiny', 'x'), large: LARGE })), 'small model digest'],
      [
        runOf(modelsById({ small: SMALL, large: LARGE, reward: model('prm', 'x') })),
        'reward model digest',
      ],
      [runOf({ models: { ...runOf().models, prm: model('prm', 'x') } }), 'prm model digest'],
    ] as const;
    for (const [run, name] of others) {
      expect(() => joinManifest(manifestOf(reward), run, 'a folder')).toThrow(
        expect.objectContaining({
          code: 'evaluation-invalid',
          message: expect.stringContaining(`a folder holds an evaluation with ${name} digest of`),
          remedy: expect.stringContaining('--out'),
        }),
      );
    }
  });

  it('refuses a judge that is another model of the folder', () => {
    const own = runOf(modelsById({ small: SMALL, large: LARGE, judge: PRM }));
    const largeJudges = runOf(modelsById({ small: SMALL, large: LARGE, judge: LARGE }));
    for (const [before, now] of [
      [own, largeJudges],
      [largeJudges, own],
    ] as const) {
      expect(() => joinManifest(manifestOf(before), now, 'a folder')).toThrow(
        expect.objectContaining({
          message: expect.stringContaining('with judge model digest digest of'),
        }),
      );
      expect(joinManifest(manifestOf(before), before, 'a folder').manifest.labels.judge).toBe(
        before.labels.judge,
      );
    }
  });

  it('survives being written and read back', () => {
    const guided = runOf(modelsById({ small: SMALL, large: LARGE, reward: PRM }));
    const manifest = manifestOf(guided);
    expect(parseManifest(JSON.parse(JSON.stringify(manifest)), 'a folder')).toEqual(manifest);
  });

  it('is read from version 1, in which both models may have the same name', () => {
    const { labels: _, ...run } = runOf();
    const models = { small: SMALL, large: model('tiny', 'digest of huge') };
    const parsed = parseManifest({ ...run, version: 1, models }, 'a folder');
    expect(parsed).toEqual({
      ...run,
      version: 2,
      models: {
        tiny: { ...SMALL, code: 's' },
        'tiny (large)': { ...models.large, code: 'l' },
      },
      labels: { small: 'tiny', large: 'tiny (large)' },
    });
  });
});
