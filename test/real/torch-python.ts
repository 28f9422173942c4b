/**
 * A Python that has PyTorch: the one that PILOTFISH_TORCH_PYTHON names, else one in a virtual
 * environment under the user's cache. A reason instead where it cannot be had.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { catalogContext } from '../../src/catalog/catalog-context.ts';

/** The build from PyPI brings libraries for GPUs along on some platforms: gigabytes. */
const PACKAGES = ['torch', 'numpy'];
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
    await execa(python, ['-m', 'pip', 'install', '-q', ...PACKAGES], {
      timeout: INSTALL_TIMEOUT_MS,
    });
    return { python };
  } catch (error) {
    return { reason: `no PyTorch: ${error instanceof Error ? error.message : String(error)}` };
  }
}
