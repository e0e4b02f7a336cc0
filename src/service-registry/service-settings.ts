import { isIP } from 'node:net';
import type { FieldProblem } from '../common/http/dto-input.js';
import {
  type MillraceError,
  unprocessable,
  validationError,
} from '../common/errors/millrace.error.js';
import { bareHost } from '../common/net/address-policy.js';
import { type NameRecord, namedValues } from '../common/values/name-record.js';
import { isServiceName } from '../engine/steps/deploy/service-name.js';
import { DEFAULT_CHECK, type ServiceCheck } from './checks/service-check.js';
import type { InstanceCheck, InstanceCheckType } from '../engine/steps/deploy/deploy-action.js';
import {
  DEFAULT_CHECK_INTERVAL_MS,
  DEFAULT_CHECK_TIMEOUT_MS,
} from '../engine/steps/deploy/deploy-action.js';
import { readEndpoint } from './checks/endpoint-url.js';
import { serviceIdOf } from './record/service-id.js';
import type { ServiceSettings } from './record/watched-service.js';

/** A check of the instance itself, as somebody asks for it. */
export interface AskedCheck {
  readonly type: InstanceCheckType;
  /** Absent: the type. */
  readonly name?: string | undefined;
  readonly command?: string | readonly string[] | undefined;
  readonly interval_seconds?: number | undefined;
  readonly timeout_seconds?: number | undefined;
}

/** What somebody asks of a service; what is absent stays as it is. */
export interface AskedSettings {
  readonly endpoints?: readonly string[];
  readonly check?: Partial<ServiceCheck>;
  readonly checks?: readonly AskedCheck[];
  readonly tags?: readonly string[];
  readonly metadata?: NameRecord<unknown>;
  readonly dependencies?: readonly string[];
  readonly ttl_seconds?: number | null;
}

export const NO_SETTINGS: ServiceSettings = {
  ...{ endpoints: [], check: DEFAULT_CHECK, checks: [], tags: [], metadata: [], dependencies: [] },
  ttl_seconds: null,
};

export const MOST_METADATA = 50;
export const MAX_METADATA_NAME = 100;
export const MAX_METADATA_VALUE = 1000;

/**
 * What a service is set to after a request.
 * @param self whose settings they are
 * @throws ValidationError that names every field that is wrong
 */
export function settingsAfter(
  self: { readonly environment: string; readonly name: string },
  before: ServiceSettings,
  asked: AskedSettings,
): ServiceSettings {
  const problems: FieldProblem[] = [];
  const wrong = (path: string, code: string, message: string): void => {
    problems.push({ path, code, message: `${path} ${message}` });
  };
  const check = { ...before.check, ...named(asked.check ?? {}) };
  if (check.timeout_seconds >= check.interval_seconds) {
    wrong('check.timeout_seconds', 'below_interval', 'must be below check.interval_seconds');
  }
  if (check.method === 'HEAD' && check.body_contains !== null) {
    wrong('check.body_contains', 'no_body', 'needs the method GET: an answer to HEAD has no body');
  }
  const endpoints = (asked.endpoints ?? before.endpoints).map((text, index) => {
    const { url, problem } = readEndpoint(text);
    if (problem !== undefined) wrong(`endpoints[${index}]`, 'endpoint', `: ${problem}`);
    return url ?? '';
  });
  const dependencies = (asked.dependencies ?? before.dependencies).map((text, index) => {
    const id = text.includes('/') ? text : serviceIdOf(self.environment, text);
    if (!id.split('/').every(isServiceName) || id.split('/').length !== 2) {
      wrong(`dependencies[${index}]`, 'service', 'must be a name or environment/name');
    }
    if (id === serviceIdOf(self.environment, self.name)) {
      wrong(`dependencies[${index}]`, 'itself', 'is the service itself');
    }
    return id;
  });
  const metadata =
    asked.metadata === undefined ? before.metadata : readMetadata(asked.metadata, wrong);
  const checks = asked.checks === undefined ? before.checks : readChecks(asked.checks, wrong);
  if (problems.length > 0) throw invalid(problems);
  return {
    endpoints: [...new Set(endpoints)],
    check,
    checks,
    tags: [...new Set(asked.tags ?? before.tags)],
    metadata,
    dependencies: [...new Set(dependencies)],
    ttl_seconds: asked.ttl_seconds === undefined ? before.ttl_seconds : asked.ttl_seconds,
  };
}

/**
 * A service that nobody deployed must be seen by something.
 * @throws ValidationError
 */
export function mustBeSeen({ endpoints, check, ttl_seconds: ttl }: ServiceSettings): void {
  if (ttl !== null || (endpoints.length > 0 && check.enabled)) return;
  const message = 'endpoints or ttl_seconds must say how the service is seen';
  throw invalid([{ path: 'endpoints', code: 'nothing_to_see', message }]);
}

/**
 * Checks of an instance need one that Millrace has deployed: it runs nothing in what it did not
 * start.
 * @param type of what was deployed; undefined: it was only registered
 * @throws UnprocessableError
 */
export function mustHaveInstance(checks: readonly InstanceCheck[], type: string | undefined): void {
  const refuse = (why: string, what: string, suggestion: string): never => {
    throw unprocessable(`${what} ${why}.`, {
      details: { code: 'no_instance', checks: checks.map(({ name }) => name) },
      suggestions: [suggestion],
    });
  };
  if (checks.length === 0) return;
  const what = `A check of the type ${[...new Set(checks.map(({ type: t }) => t))].join(' or ')}`;
  const instead = 'Use endpoints or heartbeats: "endpoints", or "ttl_seconds".';
  if (type === undefined) {
    return refuse('needs a service that Millrace has deployed', what, instead);
  }
  if (type !== 'docker_container' && type !== 'local_service') {
    return refuse(`looks into an instance, and a ${type} has none`, what, instead);
  }
  if (type === 'local_service' && checks.some((check) => check.type === 'container')) {
    const hint = 'Use the type exec: that its program runs is looked at anyway.';
    return refuse('asks a container engine, and a local_service is no container', what, hint);
  }
}

/** Hosts of the endpoints that will be asked. */
export function askedHosts({ endpoints, check }: ServiceSettings): readonly string[] {
  if (!check.enabled) return [];
  return [...new Set(endpoints.map((url) => bareHost(new URL(url).hostname)))];
}

/** Whether a host is an IP address already. */
export function isAddress(host: string): boolean {
  return isIP(host) !== 0;
}

function invalid(details: readonly FieldProblem[]): MillraceError {
  return validationError('The service cannot be registered like this.', {
    details,
    suggestions: ['Correct the fields that `details` names; /api/docs shows every field.'],
  });
}

function readChecks(
  asked: readonly AskedCheck[],
  wrong: (path: string, code: string, message: string) => void,
): readonly InstanceCheck[] {
  const names = new Set<string>();
  return asked.map(({ type, name = type, command, ...times }, index) => {
    const at = `checks[${index}]`;
    if (names.has(name)) wrong(`${at}.name`, 'duplicate', `is of another check, too: ${name}`);
    names.add(name);
    if (type === 'exec' && command === undefined) {
      wrong(`${at}.command`, 'needed', 'must say what is run');
    }
    if (type === 'container' && command !== undefined) {
      wrong(`${at}.command`, 'of_exec', 'is of the type exec: the engine is asked, nothing is run');
    }
    const intervalMs = msOf(times.interval_seconds) ?? DEFAULT_CHECK_INTERVAL_MS;
    const timeoutMs =
      msOf(times.timeout_seconds) ?? Math.min(DEFAULT_CHECK_TIMEOUT_MS, intervalMs / 2);
    if (timeoutMs >= intervalMs) {
      wrong(`${at}.timeout_seconds`, 'below_interval', 'must be below its interval_seconds');
    }
    return { name, type, ...(command !== undefined && { command }), intervalMs, timeoutMs };
  });
}

function msOf(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : Math.round(seconds * 1000);
}

function readMetadata(
  record: NameRecord<unknown>,
  wrong: (path: string, code: string, message: string) => void,
): ServiceSettings['metadata'] {
  const all = namedValues(record);
  if (all.length > MOST_METADATA) {
    wrong('metadata', 'most', `must hold at most ${MOST_METADATA} names`);
  }
  return all.slice(0, MOST_METADATA).map(({ name, value }) => {
    if (name === '' || name.length > MAX_METADATA_NAME) {
      wrong('metadata', 'name', `must have names of 1 to ${MAX_METADATA_NAME} characters`);
    }
    if (typeof value !== 'string' || value.length > MAX_METADATA_VALUE) {
      const shown = name.slice(0, MAX_METADATA_NAME);
      wrong(`metadata.${shown}`, 'text', `must be a text of at most ${MAX_METADATA_VALUE}`);
      return { name, value: '' };
    }
    return { name, value };
  });
}

/** Without what is `undefined`: a DTO has all of its fields. */
function named(check: Partial<ServiceCheck>): Partial<ServiceCheck> {
  const given: Partial<ServiceCheck> = { ...check };
  for (const name of Object.keys(DEFAULT_CHECK) as (keyof ServiceCheck)[]) {
    if (given[name] === undefined) delete given[name];
  }
  return given;
}
