import type { RestartRule } from '../../common/restart-policy.js';
import type { CommandRequest } from '../../common/values/command-end.js';
import { LocalServicesError } from './local-services.error.js';
import {
  DEFAULT_BACKOFF,
  type ServiceLimits,
  type ServiceSpec,
  STOP_SIGNALS,
  type StopRule,
} from './local-services.js';

/** A spec without anything that is left to a default. */
export interface CheckedSpec {
  readonly id: string;
  readonly command: string | readonly string[];
  readonly cwd: string;
  readonly environment: readonly (readonly [name: string, value: string])[];
  readonly user: string | null;
  readonly limits: { readonly memory_bytes: number | null; readonly open_files: number | null };
  readonly restart: RestartRule;
  readonly stop: StopRule;
}

/** By it all processes of a service are known; see `supervisor/service-tree.ts`. */
export const SERVICE_VARIABLE = 'MILLRACE_SERVICE';

/** By it all processes of one command are known that was run beside the program. */
export const COMMAND_VARIABLE = 'MILLRACE_SERVICE_COMMAND';

export const DEFAULT_RESTART: RestartRule = {
  max: 5,
  window_ms: 60_000,
  backoff_ms: DEFAULT_BACKOFF,
};
export const DEFAULT_STOP: StopRule = { signal: 'SIGTERM', grace_ms: 10_000 };

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** The kernel takes no longer argument or variable (`MAX_ARG_STRLEN`), bytes. */
const LONGEST_TEXT = 128 * 1024 - 1;
const MOST_ARGUMENTS = 1000;
const LONGEST_ENVIRONMENT = 256 * 1024;
const LONGEST_PATH = 4095;

/** An id is the name of a folder: never `.` or `..`, and without a slash. */
export function isServiceId(text: unknown): text is string {
  return typeof text === 'string' && /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/.test(text);
}

/** @throws LocalServicesError `bad_spec`, which names the part, and no value */
export function checkSpec(given: unknown): CheckedSpec {
  const spec = fields(given, 'the spec') as Partial<Record<keyof ServiceSpec, unknown>>;
  if (!isServiceId(spec.id)) throw bad('id', 'letters, digits, dots, `_` and `-`, at most 100');
  if (spec.user !== undefined && spec.user !== null && !isUserName(spec.user)) {
    throw bad('user', 'the name of a user');
  }
  return {
    id: spec.id,
    command: checkCommand(spec.command),
    cwd: checkFolder(spec.cwd),
    environment: checkEnvironment(spec.environment),
    user: spec.user ?? null,
    limits: checkLimits(spec.limits ?? {}),
    restart: checkRestart(spec.restart ?? DEFAULT_RESTART),
    stop: checkStop(spec.stop ?? DEFAULT_STOP),
  };
}

/** @throws LocalServicesError `bad_spec` */
export function checkCommandRequest(given: unknown): CommandRequest {
  const { command, limit_ms: limit } = fields(given, 'the request') as Record<string, unknown>;
  return { command: checkCommand(command), limit_ms: whole('limit_ms', limit, 1, MINUTE_MS) };
}

function checkCommand(command: unknown): string | readonly string[] {
  if (isText(command) && command.trim() !== '') return command;
  const isList = Array.isArray(command) && command.length > 0 && command.length <= MOST_ARGUMENTS;
  if (isList && command.every(isText) && command[0] !== '') return command;
  throw bad('command', `a line, or a list of at most ${MOST_ARGUMENTS} texts`);
}

function checkFolder(cwd: unknown): string {
  if (isText(cwd) && cwd.startsWith('/') && Buffer.byteLength(cwd) <= LONGEST_PATH) return cwd;
  throw bad('cwd', 'an absolute path');
}

function checkEnvironment(given: unknown): CheckedSpec['environment'] {
  const list: unknown = given ?? [];
  if (!Array.isArray(list)) throw bad('environment', 'a list of pairs');
  const names = new Set<string>();
  let size = 0;
  return (list as readonly unknown[]).map((entry) => {
    const [name, value, more] = (Array.isArray(entry) ? entry : []) as readonly unknown[];
    if (typeof name !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || more !== undefined) {
      throw bad('environment', 'pairs of a name (letters, digits, `_`) and a value');
    }
    if (!isText(value)) throw bad(`environment (${name})`, 'a text without NUL, below 128 KiB');
    if (name === SERVICE_VARIABLE || name === COMMAND_VARIABLE) {
      throw bad('environment', `without ${name}`);
    }
    if (names.has(name)) throw bad(`environment (${name})`, 'given once');
    names.add(name);
    size += Buffer.byteLength(name) + Buffer.byteLength(value) + 2;
    if (size > LONGEST_ENVIRONMENT) throw bad('environment', 'at most 256 KiB');
    return [name, value] as const;
  });
}

function checkLimits(given: unknown): CheckedSpec['limits'] {
  const limits = fields(given, 'limits') as Partial<Record<keyof ServiceLimits, unknown>>;
  const { memory_bytes: memory, open_files: files } = limits;
  return {
    memory_bytes:
      memory === undefined || memory === null
        ? null
        : whole('limits.memory_bytes', memory, 1024 * 1024, Number.MAX_SAFE_INTEGER),
    open_files:
      files === undefined || files === null ? null : whole('limits.open_files', files, 16, 1 << 20),
  };
}

function checkRestart(given: unknown): RestartRule {
  const rule = fields(given, 'restart') as Partial<Record<keyof RestartRule, unknown>>;
  const backoff = fields(rule.backoff_ms, 'restart.backoff_ms') as Record<string, unknown>;
  const most = whole('restart.backoff_ms.most', backoff['most'], 1, HOUR_MS);
  return {
    max: whole('restart.max', rule.max, 0, 1000),
    window_ms: whole('restart.window_ms', rule.window_ms, 1000, DAY_MS),
    backoff_ms: { first: whole('restart.backoff_ms.first', backoff['first'], 1, most), most },
  };
}

function checkStop(given: unknown): StopRule {
  const rule = fields(given, 'stop') as Partial<Record<keyof StopRule, unknown>>;
  const signal = STOP_SIGNALS.find((name) => name === rule.signal);
  if (signal === undefined) throw bad('stop.signal', `one of ${STOP_SIGNALS.join(', ')}`);
  return { signal, grace_ms: whole('stop.grace_ms', rule.grace_ms, 0, HOUR_MS) };
}

function whole(name: string, value: unknown, least: number, most: number): number {
  if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) {
    return Number(value);
  }
  throw bad(name, `a whole number from ${least} to ${most}`);
}

function fields(value: unknown, name: string): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw bad(name, 'an object');
}

/** What a program can be given. */
function isText(value: unknown): value is string {
  return (
    typeof value === 'string' && !value.includes('\0') && Buffer.byteLength(value) <= LONGEST_TEXT
  );
}

function isUserName(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z_][a-z0-9_-]{0,31}$/i.test(value);
}

function bad(name: string, rule: string): LocalServicesError {
  return new LocalServicesError('bad_spec', `a service needs ${name} to be: ${rule}`);
}
