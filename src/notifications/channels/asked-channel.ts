import { validationError } from '../../common/errors/millrace.error.js';
import type { FieldProblem } from '../../common/http/dto-input.js';
import { type NameRecord, namedValues } from '../../common/values/name-record.js';
import type { ChannelTarget } from './channel.js';

/** A channel as a request has it. */
export interface AskedChannel {
  readonly type: ChannelTarget['type'];
  readonly url?: string | undefined;
  readonly secret?: string | undefined;
  readonly headers?: NameRecord<unknown> | undefined;
  readonly to?: readonly string[] | undefined;
}

export const MOST_HEADERS = 10;
const MOST_HEADER_VALUE = 2_000;
const HEADER_NAME = /^[A-Za-z][A-Za-z0-9-]{0,63}$/;
const HEADER_VALUE = /^[\x20-\x7e]+$/;
/** Ours, and those that say how a request ends. */
const OWN_HEADERS =
  /^(?:host|connection|content-.*|transfer-encoding|te|trailer|upgrade|expect|keep-alive|proxy-.*|user-agent|x-millrace-.*)$/i;
/** One at most `@`, and nothing that a header of a mail takes for more than an address. */
const MAIL_ADDRESS =
  /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;

/**
 * Where a channel leads.
 * @throws ValidationError that names every field that is wrong, and repeats no value
 */
export function targetOf(asked: AskedChannel): ChannelTarget {
  const problems: FieldProblem[] = [];
  const wrong = (path: string, code: string, message: string): void => {
    problems.push({ path, code, message: `${path} ${message}` });
  };
  const target = asked.type === 'webhook' ? webhook(asked, wrong) : email(asked, wrong);
  if (problems.length === 0) return target;
  throw validationError('The channel cannot be like this.', {
    details: problems,
    suggestions: ['Correct the fields that `details` names; /api/docs shows every field.'],
  });
}

type Wrong = (path: string, code: string, message: string) => void;

function webhook({ url, secret, headers, to }: AskedChannel, wrong: Wrong): ChannelTarget {
  if (to !== undefined) wrong('to', 'other_type', 'is of channels of the type email');
  const parsed = URL.parse(url ?? '');
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    wrong('url', 'url', 'must be an http:// or https:// URL');
  } else if (parsed.username !== '' || parsed.password !== '') {
    wrong('url', 'log_in', 'must hold no user and password: use the header Authorization');
  }
  return {
    ...{ type: 'webhook', url: parsed?.href ?? '', secret: secret ?? null },
    headers: headers === undefined ? [] : readHeaders(headers, wrong),
  };
}

function readHeaders(
  record: NameRecord<unknown>,
  wrong: Wrong,
): { readonly name: string; readonly value: string }[] {
  const all = namedValues(record);
  if (all.length > MOST_HEADERS) wrong('headers', 'most', `must be at most ${MOST_HEADERS}`);
  const seen = new Set<string>();
  return all.slice(0, MOST_HEADERS).map(({ name, value }) => {
    const isTwice = seen.has(name.toLowerCase());
    seen.add(name.toLowerCase());
    if (!HEADER_NAME.test(name) || isTwice) {
      wrong('headers', 'name', 'must have names of letters, digits and hyphens, each once');
    } else if (OWN_HEADERS.test(name)) {
      wrong(`headers.${name}`, 'own', 'is set by Millrace');
    }
    const isText = typeof value === 'string' && value.length <= MOST_HEADER_VALUE;
    if (isText && HEADER_VALUE.test(value)) return { name, value };
    wrong('headers', 'value', `must have values of 1 to ${MOST_HEADER_VALUE} visible characters`);
    return { name, value: '' };
  });
}

function email({ url, secret, headers, to = [] }: AskedChannel, wrong: Wrong): ChannelTarget {
  for (const [path, value] of [
    ['url', url],
    ['secret', secret],
    ['headers', headers],
  ] as const) {
    if (value !== undefined) wrong(path, 'other_type', 'is of channels of the type webhook');
  }
  if (to.length === 0) wrong('to', 'none', 'must name at least one address');
  for (const [index, address] of to.entries()) {
    if (!MAIL_ADDRESS.test(address)) wrong(`to[${index}]`, 'address', 'must be a mail address');
  }
  return { type: 'email', to: [...new Set(to)] };
}
