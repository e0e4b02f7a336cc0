import type { Deployment, DeploymentExplanation, RollbackPlan } from '../api/wire-readers.js';
import { cleanText } from '../terminal/clean-text.js';
import type { Moments } from '../terminal/moments.js';
import { formatDuration, paintStatus } from '../terminal/status-style.js';
import type { Terminal } from '../terminal/terminal.js';

/** Lines for people. */
export function renderDeployment(one: Deployment): string[] {
  const { environment, service, status, reason, warnings, host, commit, phases, logs } = one;
  const { given = [] } = one.approval ?? {};
  const times = phases.map(({ name, started_at: from, finished_at: to }) => {
    const took = to === null ? 'now' : formatDuration(Date.parse(to) - Date.parse(from));
    return `${cleanText(name)} ${took}`;
  });
  return [
    `${cleanText(environment)}/${cleanText(service)}: ${whatOf(one)}, ${cleanText(status)}`,
    ...(reason ? [`  why        ${cleanText(reason.message)}`] : []),
    `  by         ${cleanText(one.triggered_by)}, on ${cleanText(host)}`,
    ...(one.execution_id === null ? [] : [`  execution  ${cleanText(one.execution_id)}`]),
    ...(commit === null ? [] : [`  commit     ${cleanText(commit)}`]),
    ...(times.length === 0 ? [] : [`  took       ${times.join(', ')}`]),
    ...given.map(
      ({ kind, login, reason: why, counts }) =>
        `  ${cleanText(kind).padEnd(10)} ${cleanText(login)}${why === null ? '' : `: ${cleanText(why)}`}${counts ? '' : ' (counts no more)'}`,
    ),
    ...warnings.map(({ message }) => `  warning    ${cleanText(message)}`),
    ...logs.map((line) => `  | ${cleanText(line)}`),
  ];
}

/** What a rollback would do, for people. */
export function renderRollbackPlan({
  service_id: service,
  release: { number, commit },
  serving,
  warnings,
}: RollbackPlan): string[] {
  const of = commit === null ? '' : ` (commit ${cleanText(commit)})`;
  const before = serving === null ? 'nothing serves now' : `in the place of ${serving.number}`;
  return [
    `${cleanText(service)}: release ${number}${of} would serve, ${before}`,
    ...warnings.map(({ message }) => `  warning    ${cleanText(message)}`),
  ];
}

/** Why a deployment is as it is: what led to it, in the order of time. */
export function renderDeploymentExplanation(
  { deployment_id: id, environment, service, status, reason, parts }: DeploymentExplanation,
  terminal: Terminal,
  moments: Pick<Moments, 'local'>,
): string[] {
  const why = reason === null ? '' : `: ${cleanText(reason.message)}`;
  const of = `${cleanText(environment)}/${cleanText(service)}`;
  return [
    `Deployment ${cleanText(id)} of ${of} is ${paintStatus(terminal, status)}${why}`,
    ...parts.map(({ about, message, at }) => {
      const when = at === null ? '' : terminal.paint('dim', ` (${moments.local(at)})`);
      return `  ${cleanText(about).padEnd(8)}  ${cleanText(message)}${when}`;
    }),
  ];
}

/** `rollback to release 2` */
export function whatOf({ kind, release }: Pick<Deployment, 'kind' | 'release'>): string {
  const [what, of] = kind === 'rollback' ? ['rollback', 'to'] : [kind, 'of'];
  return release === null ? what : `${what} ${of} release ${release.number}`;
}
