import { quoted } from '../../../common/values/redact-urls.js';
import { urlPath } from '../../yaml/common-readers.js';
import { fields, type Reader } from '../../yaml/reader.js';
import {
  choice,
  duration,
  fitting,
  integer,
  mapOr,
  mapped,
  text,
} from '../../yaml/value-readers.js';
import type { Gate, Published } from './deploy-action.js';

const HOUR_MS = 3_600_000;
const MOST_BODY = 1024;

export const tcpPort = integer(1, 65_535);

/** From this machine only, where nothing else is said: being reachable is a choice. */
export const LOOPBACK = '127.0.0.1';

/** In small letters, at most 253 characters. */
export const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/;
/** What the reverse proxy can tell apart: no escapes, and nothing that means another path. */
export const ROUTE_PATH = /^(?:\/|(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~!$&'()+,;=:@-]+)+)$/;
export const ADDRESSES = [LOOPBACK, '0.0.0.0', '::'] as const;

const domainName = text({
  expects: 'a domain',
  max: 253,
  ...fitting(DOMAIN, (value) => [
    'invalid_domain',
    `"${quoted(value, 80)}" is no domain.`,
    'Write it in small letters, without a scheme and a port: shop.example',
  ]),
});

const routePath = text({
  expects: 'a path',
  max: 500,
  oneLine: true,
  ...fitting(ROUTE_PATH, (value) => [
    'invalid_path',
    `"${quoted(value, 100)}" is no path below which a service can be.`,
    'Write it as /api, without a slash at its end',
  ]),
});

const hostHeader = text({
  expects: 'a host name',
  max: 255,
  ...fitting(/^[A-Za-z0-9.-]+(?::[0-9]{1,5})?$/, (value) => [
    'invalid_host',
    `"${quoted(value, 80)}" is no host name.`,
    'Write it as shop.example',
  ]),
});

const statusRange: Reader<Gate['status']> = mapped(
  text({
    expects: 'a status code, or a range of them',
    ...fitting(/^[1-5][0-9]{2}(?:-[1-5][0-9]{2})?$/, (value) => [
      'invalid_status',
      `"${quoted(value, 40)}" is no status.`,
      'Write 200, or "200-399"',
    ]),
  }),
  (value) => {
    const [from = '', to = from] = value.split('-');
    return { from: Number(from), to: Number(to) };
  },
);

/** Keys of `publish`. */
export const publishTable = {
  name: 'publish',
  fields: {
    port: tcpPort,
    address: choice(ADDRESSES, {
      habits: { localhost: '127.0.0.1', all: '0.0.0.0', '*': '0.0.0.0' },
    }),
    domain: domainName,
    path: routePath,
  },
  habits: {
    host: 'Write domain',
    hostname: 'Write domain',
    host_port: 'Write port',
    bind: 'Write address',
    listen: 'Write address and port',
  },
} as const;

const publishFields = fields(publishTable);

const publishMap: Reader<Published> = {
  expects: publishFields.expects,
  schema: publishFields.schema,
  read: (node, path, context) => {
    const values = publishFields.read(node, path, context);
    if (values === undefined) return undefined;
    const { port, address, domain, path: below } = values;
    const at = { path, offset: node.start };
    if (domain !== undefined && (port !== undefined || address !== undefined)) {
      const message = 'A service has a domain, or a port of the host.';
      context.error('conflicting_keys', message, at, 'Leave domain, or port and address');
      return undefined;
    }
    if (domain !== undefined) return { domain, ...(below !== undefined && { path: below }) };
    if (below !== undefined) {
      context.error('missing_key', 'path is of a domain.', at, 'Add domain, or leave path out');
      return undefined;
    }
    return { address: address ?? LOOPBACK, ...(port !== undefined && { port }) };
  },
};

/** `publish: 8080`, or a map. */
export const publishReader: Reader<Published> = mapOr(
  publishMap,
  mapped(tcpPort, (port): Published => ({ address: LOOPBACK, port })),
);

const GATE: Gate = { status: { from: 200, to: 299 }, timeoutMs: 60_000, stableMs: 3_000 };

/** Keys of `gate`. */
export const gateTable = {
  name: 'gate',
  fields: {
    path: urlPath,
    host: hostHeader,
    status: statusRange,
    body: text({ expects: 'a text', max: MOST_BODY }),
    timeout: duration(1_000, HOUR_MS),
    stable: duration(0, HOUR_MS),
  },
  habits: {
    url: 'Write path',
    http: 'Write path',
    health: 'Write path',
    healthcheck: 'Write path',
    interval: 'Remove it: it is asked several times a second',
    retries: 'Write timeout: it is asked until then',
    start_period: 'Write timeout',
    contains: 'Write body',
  },
} as const;

/** `gate: /health`, or a map. */
export const gateReader: Reader<Gate> = mapOr(
  mapped(fields(gateTable), ({ timeout, stable, path, host, status, body }): Gate => ({
    ...GATE,
    ...(path !== undefined && { path }),
    ...(host !== undefined && { host }),
    ...(body !== undefined && { body }),
    ...(status && { status }),
    ...(timeout !== undefined && { timeoutMs: timeout }),
    ...(stable !== undefined && { stableMs: stable }),
  })),
  mapped(urlPath, (path): Gate => ({ ...GATE, path })),
);

/** What is asked where nothing is said: that it accepts connections. */
export const defaultGate: Gate = GATE;
