import { hasName, mergedNames, nameRecord, valueOf } from '../../../common/values/name-record.js';
import { quoted } from '../../../common/values/redact-urls.js';
import type { Environment } from '../../plan/plan.js';
import type { NameUse } from '../../yaml/reader.js';
import type { StepDefaults, StepDraft } from '../step-kind.js';
import type { BuildDraft } from '../build/build-draft.js';
import { BUILD_KIND } from '../build/build-action.js';
import {
  DEFAULT_PORT_VARIABLE,
  DEPLOY_KIND,
  DEPLOYMENT_TYPES,
  type DeploymentType,
} from './deploy-action.js';
import type { DeployDraft } from './deploy-draft.js';
import { deployDraft, type DeployValues } from './deploy-keys.js';
import { isWritten, type Problems, type Written } from './release-drafts.js';
import { KEYS_OF } from './release-keys.js';
import { LOOPBACK } from './published-reader.js';
import type { RustciDeployValues } from './rustci-deploy-table.js';

/** A deployment in the form of RustCI, as it is read without the rest of the pipeline. */
export interface RustciDeploy {
  readonly values: RustciDeployValues;
  readonly at: Written;
  /** Of the step. */
  readonly name: string;
  /** As it is written; absent: it is chosen. */
  readonly type: DeploymentType | undefined;
  /** Of the step and its `config`. */
  readonly environment: Environment;
}

export interface RustciDeployDraft extends StepDraft {
  readonly kind: typeof DEPLOY_KIND;
  readonly rustci: RustciDeploy;
  readonly secretUses: readonly NameUse[];
}

/** By these RustCI chose, and published. */
const PORTS = 'PORTS';
const DISTROLESS = 'DISTROLESS';
const BUILD_CONTEXT = 'build_context';

export function isRustciDeploy(draft: StepDraft): draft is RustciDeployDraft {
  return draft.kind === DEPLOY_KIND && 'rustci' in draft;
}

/** Whether it takes the name of its service from the pipeline. */
export function isNamedByPipeline({ rustci: { at } }: RustciDeployDraft): boolean {
  return !isWritten(at, 'service');
}

/**
 * The deployment that such a step means in its pipeline. Only what is certain is chosen.
 * @returns undefined: the problems were told
 */
export function meantDeploy(
  written: RustciDeploy,
  defaults: Pick<StepDefaults, 'environment' | 'pipeline'>,
  problems: Problems,
): DeployDraft | undefined {
  const { values, at } = written;
  const { environment: said, ...keys } = values;
  // What is written and cannot be read was told already.
  if (isWritten(at, 'deployment_type') && values.deployment_type === undefined) return undefined;
  const environment = mergedNames(defaults.environment, written.environment);
  const chosen = chosenFor(written, environment, problems);
  if (chosen === undefined) return undefined;
  const { type, why } = chosen;
  const service = serviceOf(written, defaults.pipeline, problems);
  if (service === undefined) return undefined;
  const other = ['build', 'source'].find((key) => isWritten(at, key));
  if (other !== undefined && isWritten(at, BUILD_CONTEXT)) {
    const message = `"${other}" and "${BUILD_CONTEXT}" are both given.`;
    problems.error('conflicting_keys', message, at, 'Write build: { context: … }');
    return undefined;
  }
  const built = type === 'docker_container' ? builtOf(values, at) : undefined;
  const own: DeployValues = {
    ...{ ...keys, ...built?.values, type, service },
    ...(typeof said === 'string' && { environment: said }),
  };
  const isProgram = type === 'docker_container' || type === 'local_service';
  const whole = isProgram ? routed(own, written, environment, problems) : own;
  const draft = whole && deployDraft(whole, built?.at ?? inOwnWords(at), problems);
  return draft && (why === undefined ? draft : { ...draft, chosen: `${type}, because ${why}` });
}

interface Built {
  readonly values: Partial<DeployValues>;
  readonly at: Written;
}

const BUILD_KEYS: readonly string[] = ['image', 'dockerfile', 'source', BUILD_CONTEXT];

/** An image with a Dockerfile or a context is the name of what is built. */
function builtOf(values: RustciDeployValues, at: Written): Built | undefined {
  const { image, dockerfile, build_context: folder, source } = values;
  const isNamed = image !== undefined && dockerfile !== undefined;
  if (isWritten(at, 'build') || (folder === undefined && !isNamed)) return undefined;
  const build: BuildDraft = {
    ...{ kind: BUILD_KIND, context: folder ?? source ?? '.', secrets: [] },
    ...(dockerfile !== undefined && { dockerfile }),
    ...(image !== undefined && { tags: [image] }),
  };
  const entries = at.entries.filter(({ key }) => !BUILD_KEYS.includes(key));
  return {
    values: { build, image: undefined, dockerfile: undefined, source: undefined },
    at: { ...at, entries },
  };
}

/** As `deploy` names the keys. */
function inOwnWords(at: Written): Written {
  const entries = at.entries.map((one) =>
    one.key === BUILD_CONTEXT ? { ...one, key: 'build' } : one,
  );
  return { ...at, entries };
}

interface Chosen {
  readonly type: DeploymentType;
  /** Absent: the step says it. */
  readonly why?: string;
}

/** In the order of docs/deploying.md. */
function chosenFor(
  { type, at, name }: RustciDeploy,
  environment: Environment,
  problems: Problems,
): Chosen | undefined {
  if (type !== undefined) return { type };
  const typed = inOwnWords(at)
    .entries.map(({ key }) => key)
    .filter((key) => DEPLOYMENT_TYPES.some((one) => KEYS_OF[one].includes(key)));
  const fitting = DEPLOYMENT_TYPES.filter((one) =>
    typed.every((key) => KEYS_OF[one].includes(key)),
  );
  const [only, second] = fitting;
  if (only !== undefined && second === undefined) {
    return { type: only, why: `config has ${typed.join(', ')}` };
  }
  const chosen = byName(name) ?? byVariables(environment);
  if (chosen !== 'unclear' && fitting.includes(chosen.type)) return chosen;
  const what =
    typed.length > 0 ? `config has ${typed.join(', ')}` : `the name is "${quoted(name, 60)}"`;
  const message = `Which type of deployment it is cannot be told: ${what}.`;
  const hint = `Add deployment_type: ${(fitting.length > 0 ? fitting : DEPLOYMENT_TYPES).join(' or ')}`;
  problems.error('deployment_type_unknown', message, at, hint);
  return undefined;
}

/** As RustCI read it; a name that says two things says nothing. */
function byName(name: string): Chosen | 'unclear' | undefined {
  if (!/local/i.test(name)) return undefined;
  if (/service/i.test(name)) return 'unclear';
  return { type: 'local_directory', why: 'the name of the step has "local" in it' };
}

function byVariables(environment: Environment): Chosen | 'unclear' {
  const distroless = valueOf(environment, DISTROLESS);
  // What an expression comes to is known when it is too late to choose.
  if (distroless?.includes('${{') === true) return 'unclear';
  if (distroless?.trim().toLowerCase() === 'true') {
    return { type: 'docker_container', why: `${DISTROLESS} is true` };
  }
  return hasName(environment, PORTS)
    ? { type: 'docker_container', why: `${PORTS} names a port of a container` }
    : { type: 'local_directory', why: 'nothing names an image, a program or a port' };
}

function serviceOf(
  { values, at }: RustciDeploy,
  pipeline: string,
  problems: Problems,
): string | undefined {
  if (isWritten(at, 'service')) return values.service;
  const name = pipeline
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63)
    .replace(/-$/, '');
  if (name !== '') return name;
  const message = 'No service can be named by the pipeline.';
  problems.error('missing_key', message, at, 'Add service: <name> to config');
  return undefined;
}

/** With what the environment says of a program: its variables, and where it is reached. */
function routed(
  values: DeployValues,
  { at }: RustciDeploy,
  environment: Environment,
  problems: Problems,
): DeployValues | undefined {
  const { type, port_variable: portVariable = DEFAULT_PORT_VARIABLE, secrets = [] } = values;
  const isTold = (name: string): boolean =>
    [PORTS, DISTROLESS].includes(name) ||
    (type === 'local_service' && name === portVariable) ||
    secrets.some((secret) => secret.name === name);
  const names = Object.keys(environment).filter((name) => !isTold(name));
  const inherited = nameRecord(names.map((name) => [name, `\${{ env.${name} }}`] as const));
  const whole: DeployValues = {
    ...values,
    ...(!isWritten(at, 'variables') && names.length > 0 && { variables: inherited }),
  };
  const ports = valueOf(environment, PORTS);
  if (ports === undefined || isWritten(at, 'port') || isWritten(at, 'publish')) return whole;
  const mapping = mappingOf(ports);
  if (mapping === undefined) {
    const message = `${PORTS} is no one pair of ports: "${quoted(ports, 60)}".`;
    const hint = 'Write it as "8000:3000", or add port and publish to config: a service has one';
    problems.error('invalid_ports', message, at, hint);
    return undefined;
  }
  const { host, container } = mapping;
  return {
    ...whole,
    ...(type === 'docker_container' && { port: container }),
    publish: { address: LOOPBACK, ...(host > 0 && { port: host }) },
  };
}

/** `8000:3000`: of the host, where 0 is any, and of the container. */
function mappingOf(
  ports: string,
): { readonly host: number; readonly container: number } | undefined {
  const [, ...found] = /^\s*(\d{1,5}):(\d{1,5})\s*$/.exec(ports) ?? [];
  const [host = -1, container = 0] = found.map(Number);
  const isPair = host >= 0 && host <= MOST && container >= 1 && container <= MOST;
  return isPair ? { host, container } : undefined;
}

const MOST = 65_535;
