/**
 * A Python with PyTorch: the interpreter that PILOTFISH_TORCH_PYTHON names, else one in a virtual
 * environment under the user's cache. If it is unavailable, the reason.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { catalogContext } from '../../src/catalog/catalog-context.ts';
import { IS_SLICE } from './real-models.ts';

/** On some platforms the build from PyPI includes gigabytes of GPU libraries. */
const PACKAGES = ['torch==2.13.0', 'numpy'];
const INSTALL_TIMEOUT_MS = 600_000;

export async function torchPython(): Promise<{ python: string } | { reason: string }> {
  const named = process.env['PILOTFISH_TORCH_PYTHON'];
  const folder = join(catalogContext().home, 'torch');
  const python = named ?? join(folder, 'bin', 'python');
  try {
    if (!existsSync(python)) await execa('python3', ['-m', 'venv', folder]);
    const hasTorch = await execa(python, ['-c', 'import torch, numpy'], { reject: false });
    if (hasTorch.exitCode === 0) return { python };
    if (named !== undefined) return { reason: `${named} has no torch` };
    if (IS_SLICE) return { reason: 'no PyTorch here, and it is gigabytes: not in the small slice' };
    await execa(python, ['-m', 'pip', 'install', '-q', ...PACKAGES], {
      timeout: INSTALL_TIMEOUT_MS,
    });
    return { python };
  } catch (error) {
    return { reason: `no PyTorch: ${error instanceof Error ? error.message : String(error)}` };
  }
}
