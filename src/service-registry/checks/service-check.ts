/** How the endpoints of a service are looked at. */
export interface ServiceCheck {
  /** False: nothing is asked; then only heartbeats tell whether the service lives. */
  readonly enabled: boolean;
  readonly method: 'GET' | 'HEAD';
  /** Of http endpoints, instead of the path of the endpoint itself; null: that. */
  readonly path: string | null;
  /** Statuses of a good answer; none: 200 to 299. */
  readonly expected_status: readonly number[];
  /** What a good answer holds in its first {@link BODY_BYTES}; null: anything. */
  readonly body_contains: string | null;
  /** Header `Host`, and the name of the certificate; null: the host of the endpoint. */
  readonly host: string | null;
  /** False: a redirect is no good answer, unless its status is expected. */
  readonly follow_redirects: boolean;
  /** Seconds from the start of one probe to the start of the next. */
  readonly interval_seconds: number;
  /** Seconds that a probe may take; below the interval. */
  readonly timeout_seconds: number;
  /** Good answers in a row until an endpoint passes. */
  readonly up: number;
  /** Bad answers in a row until an endpoint fails. */
  readonly down: number;
}

/** What is read of an answer, at most. */
export const BODY_BYTES = 64 * 1024;

export const DEFAULT_CHECK: ServiceCheck = {
  ...{ enabled: true, method: 'GET', path: null, expected_status: [], body_contains: null },
  ...{ host: null, follow_redirects: false, interval_seconds: 10, timeout_seconds: 5 },
  ...{ up: 2, down: 3 },
};

/** What came of one probe. */
export type ProbeResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: ProbeFailureCode; readonly message: string }
  /** Nobody could look: neither good nor bad. */
  | { readonly ok: null; readonly code: ProbeFailureCode; readonly message: string };

/** docs/reasons.md explains each. */
export const PROBE_FAILURES = {
  no_connection: 'nothing accepts connections there, or the connection broke',
  no_address: 'the name has no address',
  timeout: 'no answer in time',
  tls: 'the certificate or the encryption is not accepted',
  address_refused: 'the server does not connect to this address',
  redirected: 'a redirect, which is not followed',
  unexpected_status: 'an answer with another status',
  unexpected_body: 'the answer does not hold the text',
  bad_answer: 'what came is no answer of HTTP',
  command_failed: 'the command of a check did not end with 0',
  command_late: 'the command of a check did not end in time',
  container_not_running: 'the engine says that the container does not run',
  container_unhealthy: 'the HEALTHCHECK of the container says that it is unhealthy',
  instance_gone: 'there is no instance of the release that serves',
  not_askable: 'nobody could look: what runs the instance cannot be asked',
} as const;
export type ProbeFailureCode = keyof typeof PROBE_FAILURES;

/** How long a check may take until it says that an endpoint fails, ms. */
export function timeToFail({
  interval_seconds: interval,
  timeout_seconds,
  down,
}: ServiceCheck): number {
  return (down * interval + timeout_seconds) * 1000;
}

/** How long a check may take until it says that an endpoint passes, ms. */
export function timeToPass({
  interval_seconds: interval,
  timeout_seconds,
  up,
}: ServiceCheck): number {
  return (up * interval + timeout_seconds) * 1000;
}
