/** The examples of the library's use cases, run as a user would, in an empty folder. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from 'node:util';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const HOME = 'PILOTFISH_HOME';
const [cwd, home] = [process.cwd(), process.env[HOME]];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-examples-'));
  process.chdir(folder);
  process.env[HOME] = join(folder, 'home');
});

afterAll(async () => {
  process.chdir(cwd);
  if (home === undefined) delete process.env[HOME];
  else process.env[HOME] = home;
  await rm(folder, { recursive: true, force: true });
});

/** The output of the example. */
async function printed(run: () => Promise<unknown>): Promise<string> {
  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((...values: unknown[]) => {
    lines.push(format(...values));
  });
  try {
    await run();
  } finally {
    log.mockRestore();
  }
  return lines.join('\n');
}

it('advise.ts says for both places what each strategy costs', async () => {
  const text = await printed(() => import('../../examples/advise.ts'));
  expect(text).toMatch(/^local large \{ time: 1, traffic: 1 \}$/m);
  expect(text).toMatch(/^remote small \{ time: 0\.\d+, traffic: 0\.\d+ \}$/m);
});

it('grade.ts says which answers are right', async () => {
  const text = await printed(() => import('../../examples/grade.ts'));
  expect(text.match(/right: true/g)).toHaveLength(2);
});

it('evaluate.ts measures strategies between both models, and draws a report', async () => {
  const text = await printed(() => import('../../examples/evaluate.ts'));
  for (const strategy of ['small', 'large', 'entropy', 'random']) {
    expect(text).toMatch(new RegExp(`^${strategy} \\{`, 'm'));
  }
  expect(text).toMatch(
    /^large \{ accuracy: [01](\.\d+)?, largeShare: 1, weightTrafficRatio: 1 \}$/m,
  );
  expect(text).toMatch(/^evaluations\/pocket\/report\.html$/m);
  expect(existsSync('evaluations/pocket/report.html')).toBe(true);
});

it('train.ts writes a router, which calibrate.ts calibrates', async () => {
  const trained = await printed(() => import('../../examples/train.ts'));
  expect(trained).toMatch(/^\{ round: 1, tokenCount: \d+, auc: [\d.]+ \}$/m);
  expect(trained).toContain('solved 8 of 8 questions');
  expect(trained).toMatch(/training\/pocket\/citer-s\.safetensors$/);
  const calibrated = await printed(() => import('../../examples/calibrate.ts'));
  expect(calibrated.match(/threshold: /g)).toHaveLength(2);
  expect(existsSync('calibration/pocket/reliability.png')).toBe(true);
});

it('train-reward.ts writes a reward', async () => {
  const trained = await printed(() => import('../../examples/train-reward.ts'));
  expect(trained).toMatch(/^\d+ steps, \d+ % do harm\.$/m);
  expect(trained).toMatch(/training\/pocket-reward\/rsd\.safetensors$/);
});
