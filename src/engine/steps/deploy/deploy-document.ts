import type { StepTypeDocument } from '../step-kind.js';
import type { BuildAction } from '../build/build-action.js';
import type {
  ContainerDeploy,
  DeployAction,
  DirectoryDeploy,
  Gate,
  OnFailure,
  InstanceCheck,
  RestartLimit,
  RoutedDeploy,
  ServiceDeploy,
  UnitPart,
} from './deploy-action.js';

type Config = Readonly<Record<string, unknown>>;

/** As a step in the form of RustCI, with all that it says: read again, it means the same. */
export function deployDocument(action: DeployAction): StepTypeDocument {
  const { type, service, environment, keep, allowOlder } = action;
  const config = {
    ...{ deployment_type: type, service, environment, keep, allow_older: allowOlder },
    ...configOf(action),
  };
  return { step_type: 'custom', config };
}

function configOf(action: DeployAction): Config {
  switch (action.type) {
    case 'local_directory':
      return directory(action);
    case 'docker_container':
      return { ...container(action), ...routed(action, action.findsGate) };
    case 'local_service':
      return { ...program(action), ...routed(action) };
    case 'hybrid':
      return { parts: action.parts.map(partOf) };
  }
}

function partOf({ deploy, needs }: UnitPart): Config {
  const { type, service } = deploy;
  return { ...{ type, service, needs: needs.length > 0 ? needs : undefined }, ...configOf(deploy) };
}

function directory({ path, ssh, source, exclude, shared, permissions }: DirectoryDeploy): Config {
  const { files, folders } = permissions ?? {};
  const knownHosts = ssh?.knownHosts;
  return {
    ...{ path, source, exclude, shared },
    ...(permissions && { permissions: { files: octal(files), folders: octal(folders) } }),
    ...(ssh &&
      knownHosts && {
        ssh: {
          ...{ host: ssh.host, port: ssh.port, user: ssh.user, key: ssh.key },
          known_hosts: 'secret' in knownHosts ? knownHosts.secret : knownHosts.text,
        },
      }),
  };
}

function container(action: ContainerDeploy): Config {
  const { image, build, source, pull, command, port, limits } = action;
  const { cpus, memory, pids } = limits;
  return {
    ...{ image, source, pull, command, port, cpus, memory: size(memory), pids },
    ...(build && { build: buildOf(build) }),
  };
}

function buildOf({ kind: _kind, cacheFrom, ...build }: BuildAction): Config {
  return { ...build, cache_from: cacheFrom };
}

function program(action: ServiceDeploy): Config {
  const { run, source, exclude, portVariable, memory } = action;
  return { run, source, exclude, port_variable: portVariable, memory: size(memory) };
}

/** Variables are said even where there are none: else those of the pipeline would be taken. */
function routed(
  {
    published,
    variables,
    secrets,
    gate,
    drainMs,
    keepAssetsMs,
    beforeSwitch,
    watchMs,
    onFailure,
    restart,
    checks,
  }: RoutedDeploy,
  findsGate = false,
): Config {
  return {
    ...{ publish: published, variables, secrets: secrets.length > 0 ? secrets : undefined },
    ...{ gate: findsGate ? undefined : gateOf(gate), drain: duration(drainMs) },
    ...(keepAssetsMs !== undefined && { keep_assets: duration(keepAssetsMs) }),
    before_switch: beforeSwitch,
    ...(watchMs !== undefined && { watch: duration(watchMs) }),
    ...(onFailure && { on_failure: onFailureOf(onFailure) }),
    ...(restart && { restart: restartOf(restart) }),
    ...(checks && { checks: checks.map(checkOf) }),
  };
}

function restartOf({ max, windowMs, backoffMs }: RestartLimit): Config {
  return { max, window: duration(windowMs), backoff: backoffMs && duration(backoffMs) };
}

function onFailureOf({ actions, max, windowMs, backoffMs }: OnFailure): Config {
  return {
    actions: actions.length === 0 ? 'alert' : actions,
    ...{ max, window: duration(windowMs), backoff: duration(backoffMs) },
  };
}

function checkOf({ name, type, command, intervalMs, timeoutMs }: InstanceCheck): Config {
  const times = { interval: duration(intervalMs), timeout: duration(timeoutMs) };
  return { name, type, ...(command !== undefined && { command }), ...times };
}

function gateOf({ path, host, status: { from, to }, body, timeoutMs, stableMs }: Gate): Config {
  return {
    ...{ path, host, status: `${from}-${to}`, body },
    ...{ timeout: duration(timeoutMs), stable: duration(stableMs) },
  };
}

/** Seconds, as all times of a document, where they are whole. */
function duration(ms: number): number | string {
  return ms % 1000 === 0 ? ms / 1000 : `${ms}ms`;
}

function octal(mode: number | undefined): string | undefined {
  return mode === undefined ? undefined : `0${mode.toString(8).padStart(3, '0')}`;
}

function size(bytes: number | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  const unit = UNITS.find(([factor]) => bytes % factor === 0);
  return unit === undefined ? String(bytes) : `${bytes / unit[0]}${unit[1]}`;
}

const UNITS = [
  [1024 ** 3, 'g'],
  [1024 ** 2, 'm'],
  [1024, 'k'],
] as const;
