import { executionUrl } from '../../executions/record/execution-url.js';
import {
  type Alert,
  type ExecutionAlert,
  isOfExecution,
  type ServiceAlert,
} from '../alerts/alert.js';

/** What a webhook is sent, and what `GET /api/services/:id/alerts` shows of it. */
export interface AlertBody {
  /** The same for every try. */
  readonly id: string;
  readonly kind: ServiceAlert['kind'];
  readonly service: string;
  readonly from: string | null;
  readonly status: string;
  readonly at: Date;
  readonly reason: { readonly code: string; readonly message: string };
  readonly after_deployment: ServiceAlert['after_deployment'];
  readonly caused_by: readonly string[];
  readonly followers: ServiceAlert['followers'];
}

/** What a webhook is sent, and what `GET /api/ci/pipelines/:id/alerts` shows of it. */
export interface ExecutionAlertBody {
  /** The same for every try. */
  readonly id: string;
  readonly kind: 'execution';
  readonly pipeline: { readonly id: string; readonly name: string };
  readonly execution_id: string;
  readonly number: number | null;
  readonly attempt: number;
  readonly branch: string | null;
  readonly tag: string | null;
  readonly commit: string | null;
  readonly status: string;
  readonly events: ExecutionAlert['execution']['events'];
  readonly at: Date;
  readonly reason: { readonly code: string; readonly message: string } | null;
  readonly failure: { readonly stage: string; readonly step: string } | null;
  /** ms */
  readonly duration: number | null;
  /** Null: the installation does not know its address. */
  readonly url: string | null;
}

/** @param publicUrl of the installation, if it knows that */
export function executionAlertBody(
  { _id: id, kind, subject, at, reason, execution }: ExecutionAlert,
  publicUrl: string | undefined,
): ExecutionAlertBody {
  const { id: execution_id, pipeline_name: name, number, attempt, branch, tag } = execution;
  const { commit, status, events, failure, duration } = execution;
  return {
    ...{ id, kind, pipeline: { id: subject, name }, execution_id, number, attempt },
    ...{ branch, tag, commit, status, events: [...events], at },
    reason: reason && { code: reason.code, message: reason.message },
    failure: failure && { stage: failure.stage, step: failure.step },
    ...{ duration, url: executionUrl(publicUrl, execution_id) ?? null },
  };
}

export function alertBody(alert: ServiceAlert): AlertBody {
  const { _id: id, kind, service, from, to: status, at, reason } = alert;
  const { after_deployment, caused_by, followers } = alert;
  return {
    ...{ id, kind, service, from, status, at },
    reason: { code: reason.code, message: reason.message },
    ...{ after_deployment, caused_by: [...caused_by], followers: [...followers] },
  };
}

/** In one line. */
export function alertTitle(alert: Alert): string {
  if (isOfExecution(alert)) return executionTitle(alert.execution);
  const { kind, service, to, from } = alert;
  if (kind === 'monitor') {
    const what = to === 'running' ? 'services are watched again' : 'services are not watched';
    return `[Millrace] ${what} (${service})`;
  }
  if (from === to) return `[Millrace] ${service} stays ${to}`;
  const isEnd = to === 'running' && from !== 'running';
  return `[Millrace] ${service} is ${isEnd ? 'running again' : to}`;
}

/** Names of pipelines and branches may hold anything: a title is one line. */
function executionTitle(execution: ExecutionAlert['execution']): string {
  const { pipeline_name: name, number, branch, tag, status, events } = execution;
  const which = `${name}${number === null ? '' : ` #${number}`}`;
  const where = branch ?? tag;
  const what = events.includes('fixed') ? 'is fixed' : `ended: ${status}`;
  return oneLine(`[Millrace] ${which} ${what}${where === null ? '' : ` (${where})`}`);
}

function oneLine(text: string): string {
  return text.replace(/\p{C}+/gu, ' ');
}

/** For a mail. @param publicUrl of the installation, if it knows that */
export function alertText(alert: Alert, publicUrl?: string): string {
  return isOfExecution(alert)
    ? executionText(executionAlertBody(alert, publicUrl))
    : serviceText(alert);
}

function executionText(body: ExecutionAlertBody): string {
  const { branch, tag, commit, reason, failure, duration, url } = body;
  const lines = [
    `pipeline   ${body.pipeline.name}`,
    `execution  ${body.execution_id}${body.number === null ? '' : `, #${body.number}`}`,
    `state      ${body.status}`,
    `ended      ${body.at.toISOString()}`,
    ...(branch === null ? [] : [`branch     ${branch}`]),
    ...(tag === null ? [] : [`tag        ${tag}`]),
    ...(commit === null ? [] : [`commit     ${commit}`]),
    ...(failure ? [`failed in  ${failure.stage} / ${failure.step}`] : []),
    ...(reason ? [`why        ${reason.message}`] : []),
    ...(duration === null ? [] : [`took       ${Math.round(duration / 1000)} s`]),
    ...(url === null ? [] : [`see        ${url}`]),
    `alert      ${body.id}`,
  ];
  return `${lines.map(oneLine).join('\n')}\n`;
}

function serviceText(alert: ServiceAlert): string {
  const { service, from, to, at, reason, caused_by: causes, followers, kind, _id } = alert;
  const lines = [
    `${kind === 'monitor' ? 'monitor' : 'service'}  ${service}`,
    `state    ${to}${from === null ? '' : `, before ${from}`}`,
    `since    ${at.toISOString()}`,
    `why      ${reason.message}`,
  ];
  if (causes.length > 0) lines.push(`needs    ${causes.join(', ')}, which did not run`);
  if (followers.length > 0) {
    lines.push(`also     ${followers.map((one) => `${one.service} ${one.status}`).join(', ')}`);
  }
  return `${[...lines, `alert    ${_id}`].join('\n')}\n`;
}
