import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundledModel } from '../../catalog/bundled-models.ts';
import { knownModel } from '../../catalog/known-models.ts';
import { DEFAULT_PAIR, POCKET_PAIR } from '../../catalog/known-pairs.ts';
import { required } from '../../core/invariant.ts';
import { someFit } from '../../judging/fakes/some-fit.ts';
import { LARGE_DIGEST, SMALL_DIGEST, tinyRouter } from '../../judging/fakes/tiny-router.ts';
import type { Router } from '../../judging/router.ts';
import { encodeRouter } from '../../judging/router-file.ts';
import { encodeUhlmFit } from '../../judging/uhlm-fit-file.ts';
import type { UplinkOptions } from '../../strategy/strategy-options.ts';
import { parseStrategy } from '../../strategy/strategy-value.ts';
import { OBJECTIVES } from '../../training/labels/targets.ts';
import * as finding from './find-heads.ts';
import { type FindHeadsOptions, readRouter } from './find-heads.ts';

const MODELS = {
  small: { name: 'small', digest: SMALL_DIGEST },
  large: { name: 'large', digest: LARGE_DIGEST },
};

let folder: string;
let citer: string;
let coLlm: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-routers-'));
  citer = join(folder, 'citer.safetensors');
  coLlm = join(folder, 'co-llm.safetensors');
  await writeFile(citer, encodeRouter(tinyRouter()));
  await writeFile(coLlm, encodeRouter(tinyRouter({ strategy: 'co-llm' })));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Options = Omit<FindHeadsOptions, 'strategies'> & { readonly strategies: readonly string[] };
type Asked = Omit<Options, 'named'> & { readonly files: readonly string[] };

const valuesOf = (strategies: readonly string[]) => strategies.map((text) => parseStrategy(text));

const findRouters = ({ strategies, ...options }: Options) =>
  finding
    .findHeads({ ...options, strategies: valuesOf(strategies) })
    .then(({ routers }) => routers);

const readNamedRouters = (paths: readonly string[], strategies: readonly string[]) =>
  finding.readNamedHeads(paths, valuesOf(strategies));

async function findNamed({ files, ...options }: Asked): Promise<ReadonlyMap<string, Router>> {
  const named = await readNamedRouters(files, options.strategies);
  return await findRouters({ ...options, named });
}

describe('named routers', () => {
  it('serve their strategies, with a threshold or a share or none', async () => {
    for (const text of ['citer', 'citer@0.5', 'citer@30%']) {
      const found = await findNamed({ strategies: [text], models: MODELS, files: [citer] });
      expect([...found.keys()]).toEqual(['citer']);
      expect(found.get('citer')?.digest).toBe(tinyRouter().digest);
    }
    const strategies = ['citer', 'co-llm', 'entropy'];
    const both = await findNamed({ strategies, models: MODELS, files: [coLlm, citer] });
    expect([...both.keys()].sort()).toEqual(['citer', 'co-llm']);
  });

  it.each([
    ['small', 'large'],
    ['large', 'small'],
  ] as const)('are refused if the %s model is another model', async (role, _other) => {
    const models = { ...MODELS, [role]: { name: 'stranger', digest: 'other' } };
    await expect(
      findNamed({ strategies: ['citer'], models, files: [citer] }),
    ).rejects.toMatchObject({
      code: 'head-mismatch',
      message: `The router ${citer} was trained for small and large; the ${role} model here is stranger.`,
      fields: { path: citer, expected: MODELS[role].digest, found: 'other' },
    });
    const renamed = { ...MODELS, [role]: { name: role, digest: 'other' } };
    const another = findNamed({ strategies: ['citer'], models: renamed, files: [citer] });
    await expect(another).rejects.toThrow(`the ${role} model here is ${role}, but another file.`);
    // The name of a model does not matter.
    const alias = { ...MODELS, [role]: { ...MODELS[role], name: 'alias' } };
    const found = await findNamed({ strategies: ['citer'], models: alias, files: [citer] });
    expect(found.size).toBe(1);
  });

  it("are refused by the file's name if it is invalid or missing", async () => {
    const text = join(folder, 'notes.txt');
    await writeFile(text, 'no router');
    await expect(readRouter(text)).rejects.toMatchObject({
      code: 'head-invalid',
      message: expect.stringContaining(text),
      fields: { path: text },
    });
    const absent = join(folder, 'absent.safetensors');
    await expect(readRouter(absent)).rejects.toMatchObject({
      code: 'head-missing',
      message: `Could not read the head ${absent}: there is no such file or folder (ENOENT).`,
      fields: { path: absent, errno: 'ENOENT' },
    });
  });

  it('are refused unread if the file is huge or not a regular file', async () => {
    const huge = join(folder, 'model.gguf');
    await writeFile(huge, '');
    // A sparse file, too large to be read at once, which would be another error.
    const byteCount = 3 * 2 ** 30;
    await truncate(huge, byteCount);
    await expect(readRouter(huge)).rejects.toMatchObject({
      code: 'head-invalid',
      message: expect.stringContaining(`it has ${byteCount} bytes`),
      fields: { path: huge, byteCount },
    });
    await mkdir(join(folder, 'folder'), { recursive: true });
    const devices = process.platform === 'win32' ? [] : [devNull];
    for (const path of [join(folder, 'folder'), ...devices]) {
      await expect(readRouter(path)).rejects.toMatchObject({
        code: 'head-invalid',
        message: `${path}: it is a folder or a device, not a file.`,
      });
    }
  });

  it.each([[['entropy']], [['small', 'co-llm@0.5']]])(
    'are refused if no strategy uses them: %s',
    async (strategies) => {
      await expect(
        readNamedRouters([coLlm, citer], [...strategies, 'co-llm']),
      ).rejects.toMatchObject({
        code: 'option-invalid',
        message: `${citer} is a router for citer, which was not requested.`,
        remedy: expect.stringContaining('Name citer with --strategy'),
        fields: { strategy: 'citer', path: citer },
      });
      // The error of a file comes first.
      const absent = readNamedRouters([join(folder, 'absent.safetensors')], strategies);
      await expect(absent).rejects.toMatchObject({ code: 'head-missing' });
    },
  );

  it('are refused if two serve one strategy', async () => {
    await expect(readNamedRouters([citer, citer], ['citer'])).rejects.toMatchObject({
      code: 'option-invalid',
      message: `${citer} is a second router for citer.`,
    });
  });
});

describe('missing routers', () => {
  it('are reported by name, unless they are optional', async () => {
    const strategies = ['entropy', 'citer', 'alignment@0.5'];
    const options = { strategies, models: MODELS, files: [citer] };
    await expect(findNamed(options)).rejects.toMatchObject({
      code: 'head-missing',
      message: 'alignment needs a router trained for small and large, and there is none.',
      remedy: expect.stringContaining('--objective alignment'),
      fields: { strategy: 'alignment', small: 'small', large: 'large' },
    });
    const found = await findNamed({ ...options, isOptional: true });
    expect([...found.keys()]).toEqual(['citer']);
  });

  it.each([
    ['rsd', '`pilotfish train reward`'],
    ['best-of-n', '`pilotfish train reward`'],
    ['rsd-large', '`pilotfish train reward --large-reads logprob`'],
    ['rsd-separator', '`pilotfish train reward --tokens last`'],
  ])('are reported with the training that makes one for %s', async (strategy, command) => {
    const options = { strategies: [strategy], models: MODELS, files: [] };
    await expect(findNamed(options)).rejects.toMatchObject({
      code: 'head-missing',
      message: `${strategy} needs a reward trained for small and large, and there is none.`,
      remedy: expect.stringContaining(command),
    });
  });

  it('are not reported for strategies that need none', async () => {
    const found = await findRouters({ strategies: ['small', 'entropy@1'], models: MODELS });
    expect(found.size).toBe(0);
  });
});

describe('bundled routers in a folder', () => {
  let shippedFolder: string;
  beforeAll(async () => {
    shippedFolder = join(folder, 'heads');
    await mkdir(join(shippedFolder, 'a'), { recursive: true });
    await mkdir(join(shippedFolder, 'b'));
    await writeFile(join(shippedFolder, 'README.md'), 'Routers.');
    await writeFile(join(shippedFolder, 'a', 'broken.safetensors'), 'cut off');
    await writeFile(join(shippedFolder, 'b', 'citer.safetensors'), encodeRouter(tinyRouter()));
    const stranger = { name: 'stranger', digest: 'other' };
    const pair = { small: stranger, large: stranger };
    const other = encodeRouter(tinyRouter({ strategy: 'alignment', pair }));
    await writeFile(join(shippedFolder, 'b', 'alignment.safetensors'), other);
  });
  const found = (strategies: readonly string[], options: Partial<Options> = {}) =>
    findRouters({ strategies, models: MODELS, shippedFolder, ...options });

  it('serve their own pair, and unreadable files are skipped', async () => {
    expect([...(await found(['citer@0.5', 'entropy'])).keys()]).toEqual(['citer']);
    expect(await found(['entropy'])).toEqual(new Map());
    const absent = { shippedFolder: join(folder, 'nowhere') };
    await expect(found(['citer'], absent)).rejects.toMatchObject({
      message: 'citer needs a router trained for small and large, and there is none.',
    });
  });

  it('are replaced by named files', async () => {
    const named = join(folder, 'named.safetensors');
    await writeFile(named, encodeRouter(tinyRouter({ temperature: 7 })));
    expect(
      (await found(['citer'], { named: await readNamedRouters([named], ['citer']) })).get('citer')
        ?.temperature,
    ).toBe(7);
  });

  it('are reported with the failure of a file that may be theirs', async () => {
    for (const strategy of ['alignment', 'co-llm']) {
      await expect(found(['citer', strategy])).rejects.toMatchObject({
        code: 'head-invalid',
        fields: { path: join(shippedFolder, 'a', 'broken.safetensors') },
      });
    }
    const optional = await found(['citer', 'co-llm'], { isOptional: true });
    expect([...optional.keys()]).toEqual(['citer']);
  });
});

describe('the bundled routers of this package', () => {
  const digestOf = (name: string): string => {
    const digest = knownModel(name)?.sha256 ?? bundledModel(name)?.sha256;
    return required(digest, `${name} is known`);
  };

  it.each([
    [POCKET_PAIR, OBJECTIVES],
    [DEFAULT_PAIR, ['citer', 'citer-s', 'co-llm', 'alignment']],
  ])('exist for the pair $name', async ({ small, large }, strategies) => {
    const models = {
      small: { name: small, digest: digestOf(small) },
      large: { name: large, digest: digestOf(large) },
    };
    const found = await findRouters({ strategies, models });
    expect([...found.keys()].sort()).toEqual([...strategies].sort());
    for (const { calibration, trainedOn } of found.values()) {
      expect(calibration?.points.length).toBeGreaterThan(3);
      expect(trainedOn.size).toBeGreaterThan(300);
    }
  });
});

describe('fits', () => {
  const names = async (
    strategies: readonly string[],
    files: readonly string[],
    shippedFolder: string,
    uplink: UplinkOptions = {},
  ) => {
    const values = valuesOf(strategies);
    const named = await finding.readNamedHeads(files, values, uplink);
    const options = { strategies: values, uplink, models: MODELS, named, shippedFolder };
    const { fits } = await finding.findHeads(options);
    return fits.map(({ temperature, training }) => `${temperature} ${training['seed']}`).sort();
  };

  it('are found for their pair, one for each temperature; a named one replaces its own', async () => {
    const shipped = join(folder, 'fits');
    await mkdir(shipped);
    const write = async (name: string, ...changes: Parameters<typeof someFit>) => {
      await writeFile(join(shipped, `${name}.safetensors`), encodeUhlmFit(someFit(...changes)));
    };
    await write('uhlm');
    await write('uhlm-greedy', { temperature: 0 });
    const stranger = { name: 'stranger', digest: 'other' };
    await write('other', { pair: { small: stranger, large: stranger }, temperature: 0.5 });
    const own = join(folder, 'own.safetensors');
    await writeFile(own, encodeUhlmFit(someFit({ training: { seed: 2 } })));
    expect(await names(['uhlm'], [], shipped)).toEqual(['0 1', '1 1']);
    expect(await names(['cu-hlm'], [own], shipped)).toEqual(['0 1', '1 2']);
    const online = { tokenCount: 'online' } as const;
    expect(await names(['cu-hlm@0.2'], [own], shipped, online)).toEqual(['0 1', '1 2']);
    expect(await names(['uhlm'], [], join(folder, 'nowhere'))).toEqual([]);
    for (const strategy of ['entropy', 'uhlm@0.2', 'uhlm-pd']) {
      expect(await names([strategy], [], shipped)).toEqual([]);
      await expect(names([strategy], [own], shipped)).rejects.toMatchObject({
        code: 'option-invalid',
        message: `${own} is a fit of U-HLM, and nothing asks for it.`,
      });
    }
    await expect(names(['uhlm'], [own, own], shipped)).rejects.toMatchObject({
      code: 'option-invalid',
    });
    const other = join(shipped, 'other.safetensors');
    await expect(names(['uhlm'], [other], shipped)).rejects.toMatchObject({
      code: 'head-mismatch',
      message: expect.stringContaining('was made for stranger and stranger'),
    });
    await expect(readRouter(own)).rejects.toThrow('it is a fit of U-HLM, not a router');
    await expect(finding.readCalibratable(own)).rejects.toThrow('whose thresholds follow from it');
  });
});
