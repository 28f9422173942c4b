/**
 * Profiles, kept between runs as one JSON file each. A measured profile is also this program's memory
 * of its own machine: measuring takes seconds, and costs stay the same as long as the model, the
 * processor, the library and the number of threads do.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PilotfishError } from '../core/errors.ts';
import type { OnNotice } from '../core/progress.ts';
import { readWhole, writeWhole } from '../storage/whole-file.ts';
import { KNOWN_MACHINES } from './known-machines.ts';
import {
  emptyProfile,
  type Machine,
  type MachineProfile,
  type MeasuredProfile,
} from './machine-profile.ts';
import { checkVersion, parseProfile } from './profile-format.ts';

const NAME = /^[a-z0-9][a-z0-9._-]{0,99}$/i;
const SUFFIX = '.json';

export class ProfileStore {
  readonly #folder: string;
  readonly #onNotice: OnNotice | undefined;
  /** The messages of files that were left as they are. Each is told once. */
  readonly #told = new Set<string>();

  constructor(folder: string, onNotice?: OnNotice) {
    this.#folder = folder;
    this.#onNotice = onNotice;
  }

  /** The path of a profile of this name. @throws PilotfishError `option-invalid` */
  path(name: string): string {
    checkName(name);
    return join(this.#folder, `${name}${SUFFIX}`);
  }

  /**
   * A stored profile, a known machine, or the file at a path that ends in `.json`.
   * @throws PilotfishError `profile-unknown`, `profile-invalid`, `file-system-failed`
   */
  async find(name: string): Promise<MachineProfile> {
    const path = name.endsWith(SUFFIX) ? name : this.path(name);
    const text = await textOf(path);
    if (text !== null) return parseProfile(text, path);
    const known = KNOWN_MACHINES.find((machine) => machine.name === name);
    if (known !== undefined) return known;
    const names = [...(await this.names()), ...KNOWN_MACHINES.map((machine) => machine.name)];
    throw new PilotfishError('profile-unknown', `There is no profile "${name}".`, {
      remedy: `Choose one of ${names.join(', ')}, give a file, or run "pilotfish bench steps".`,
      fields: { profile: name },
    });
  }

  /** The names of stored profiles. */
  async names(): Promise<readonly string[]> {
    const files = await readdir(this.#folder).catch(() => []);
    return files
      .filter((file) => file.endsWith(SUFFIX))
      .map((file) => file.slice(0, -SUFFIX.length))
      .sort();
  }

  /** The measurements on this very machine; empty if there are none or they cannot be read. */
  async remembered(name: string, machine: Machine): Promise<MeasuredProfile> {
    const found = await this.#measured(name);
    return found !== null && isSame(found.machine, machine) ? found : emptyProfile(name, machine);
  }

  /**
   * Call it before a profile is replaced.
   * @throws PilotfishError `profile-invalid` for a file of another version, `file-system-failed`
   */
  async checkVersion(name: string): Promise<void> {
    const path = this.path(name);
    const text = await textOf(path);
    if (text !== null) checkVersion(text, path);
  }

  /**
   * The profile to which a measurement under a name of the user's choice is added.
   * @throws PilotfishError `option-invalid` if the name is that of another machine, or of a data
   *   sheet; `profile-invalid` and `file-system-failed`, because an unreadable file may hold such a
   *   profile
   */
  async ownNamed(name: string, machine: Machine): Promise<MeasuredProfile> {
    const path = this.path(name);
    if (KNOWN_MACHINES.some((known) => known.name === name)) {
      throw taken(name, 'is a built-in profile', 'Choose another name.');
    }
    const text = await textOf(path);
    if (text === null) return emptyProfile(name, machine);
    const found = parseProfile(text, path);
    const remedy = `Choose another name, or remove ${path} first.`;
    if (found.kind === 'predicted') throw taken(name, 'holds figures of a data sheet', remedy);
    if (isSame(found.machine, machine)) return found;
    const { processor, processorCount, library } = found.machine;
    const of = `${processor}, ${processorCount} processors, library ${library}`;
    throw taken(name, `is of another machine (${of})`, remedy);
  }

  /** Tells once of a profile that cannot be used: without it, this machine is measured anew. */
  #leave(error: unknown): void {
    if (!PilotfishError.isInstance(error) || error.code !== 'profile-invalid') return;
    if (this.#told.has(error.message)) return;
    this.#told.add(error.message);
    this.#onNotice?.(`${error.message} It is left as it is, and this machine is measured anew.`);
  }

  async #measured(name: string): Promise<MeasuredProfile | null> {
    try {
      const path = this.path(name);
      const text = await textOf(path);
      const profile = text === null ? null : parseProfile(text, path);
      return profile?.kind === 'measured' ? profile : null;
    } catch (error) {
      this.#leave(error);
      return null;
    }
  }

  /**
   * Writes the whole file or leaves it as it was.
   * @returns the path @throws PilotfishError `option-invalid`, `file-system-failed`
   */
  async save(profile: MachineProfile): Promise<string> {
    const path = this.path(profile.name);
    const text = `${JSON.stringify(profile, null, 2)}\n`;
    await writeWhole(path, text, 'set PILOTFISH_HOME to a folder that you may write to');
    return path;
  }

  /**
   * Adds to the measurements of this machine. It reads the profile again first, because other
   * processes add to it too. If the file cannot be written, the machine is only measured again:
   * nothing is thrown. A profile of another version is left as it is, with a notice.
   */
  async remember(
    name: string,
    machine: Machine,
    change: (profile: MeasuredProfile) => MeasuredProfile,
  ): Promise<void> {
    try {
      await this.checkVersion(name);
      await this.save(change(await this.remembered(name, machine)));
    } catch (error) {
      this.#leave(error);
    }
  }
}

/** Null if there is no such file. @throws PilotfishError `file-system-failed` */
async function textOf(path: string): Promise<string | null> {
  return (await readWhole(path, 'choose another name'))?.toString('utf8') ?? null;
}

function taken(name: string, why: string, remedy: string): PilotfishError {
  return new PilotfishError(
    'option-invalid',
    `The profile ${name} ${why}: it is not overwritten.`,
    {
      remedy,
      fields: { option: '--profile', value: name },
    },
  );
}

/** @throws PilotfishError `option-invalid` */
function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw new PilotfishError('option-invalid', `"${name}" cannot be the name of a profile.`, {
    remedy: 'Use letters, digits, dots, hyphens and underscores; begin with a letter or digit.',
    fields: { option: '--profile', value: name },
  });
}

function isSame(a: Machine, b: Machine): boolean {
  return (
    a.processor === b.processor && a.processorCount === b.processorCount && a.library === b.library
  );
}
