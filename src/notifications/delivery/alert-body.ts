import type { Alert } from '../alerts/alert.js';

/** What a webhook is sent, and what `GET /api/services/:id/alerts` shows of it. */
export interface AlertBody {
  /** The same for every try. */
  readonly id: string;
  readonly kind: Alert['kind'];
  readonly service: string;
  readonly from: string | null;
  readonly status: string;
  readonly at: Date;
  readonly reason: { readonly code: string; readonly message: string };
  readonly after_deployment: Alert['after_deployment'];
  readonly caused_by: readonly string[];
  readonly followers: Alert['followers'];
}

export function alertBody(alert: Alert): AlertBody {
  const { _id: id, kind, service, from, to: status, at, reason } = alert;
  const { after_deployment, caused_by, followers } = alert;
  return {
    ...{ id, kind, service, from, status, at },
    reason: { code: reason.code, message: reason.message },
    ...{ after_deployment, caused_by: [...caused_by], followers: [...followers] },
  };
}

/** In one line. */
export function alertTitle({ kind, service, to, from }: Alert): string {
  if (kind === 'monitor') {
    const what = to === 'running' ? 'services are watched again' : 'services are not watched';
    return `[Millrace] ${what} (${service})`;
  }
  if (from === to) return `[Millrace] ${service} stays ${to}`;
  const isEnd = to === 'running' && from !== 'running';
  return `[Millrace] ${service} is ${isEnd ? 'running again' : to}`;
}

/** For a mail. */
export function alertText(alert: Alert): string {
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
