import { valueOf } from '../values/name-record.js';
import ipaddr from 'ipaddr.js';
import { isIP } from 'node:net';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Why an address is not dialled. */
export interface AddressRefusal {
  readonly host: string;
  readonly address: string;
  /** What kind of address it is, such as `loopback`. */
  readonly kind: string;
}

/** Thrown instead of a connection. The message says what the operator may write, and where. */
export class AddressRefusedError extends Error {
  readonly code = 'EADDRREFUSED';

  constructor(readonly refusal: AddressRefusal) {
    super(refusalMessage(refusal));
    this.name = 'AddressRefusedError';
  }
}

/**
 * Which addresses the server may connect to on behalf of a URL that somebody else wrote: all that
 * are public, and of the others those that the operator allows. Public is what IANA's registries of
 * special-purpose addresses (IPv4, IPv6) do not list; of IPv6 only 2000::/3. An IPv6 address that
 * carries an IPv4 address (IPv4-mapped; NAT64 of RFC 6052) is what it carries; 6to4, Teredo and
 * IPv4-compatible addresses are never public.
 *
 * Pure: it judges addresses and never resolves a name. See `checkedAddresses` for that.
 */
export class AddressPolicy {
  /** Nothing is refused. */
  readonly allowsAll: boolean;
  private readonly networks: readonly (readonly [Address, number])[];
  private readonly names: ReadonlySet<string>;

  /**
   * @param allowed IP addresses, networks (`10.0.0.0/8`), host names, or `all`; as
   *   ALLOW_PRIVATE_URLS is parsed.
   */
  constructor(readonly allowed: readonly string[]) {
    this.allowsAll = allowed.includes('all');
    const networks = allowed.filter((item) => isIP(item.split('/')[0] ?? '') !== 0);
    this.networks = networks.map(parseNetwork);
    this.names = new Set(allowed.filter((item) => !networks.includes(item)).map(bareHost));
  }

  /**
   * Whether the address, which is what the host stands for, may be dialled. undefined: it may.
   * @param host as in a URL: brackets of IPv6 and a dot at the end do not matter
   * @param address an IP address in its usual form; anything else is refused
   */
  refusalOf(host: string, address: string): AddressRefusal | undefined {
    const name = bareHost(host);
    if (this.allowsAll || this.names.has(name)) return undefined;
    const parsed = parseAddress(address);
    if (parsed === undefined) return { host: name, address, kind: 'not an IP address' };
    const forms = formsOf(parsed);
    const kind = specialKind(forms);
    if (kind === undefined || forms.some((form) => this.isListed(form))) return undefined;
    return { host: name, address: parsed.toString(), kind };
  }

  private isListed(address: Address): boolean {
    return this.networks.some(
      ([network, bits]) => network.kind() === address.kind() && address.match([network, bits]),
    );
  }
}

/** The host of a URL without brackets, in lower case, without the dot of a full name. */
export function bareHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}

function parseNetwork(item: string): readonly [Address, number] {
  const [address = '', bits] = item.split('/');
  if (bits !== undefined) return [parsedAsWritten(address), Number(bits)];
  const single = unmapped(parsedAsWritten(address));
  return [single, single.kind() === 'ipv4' ? 32 : 128];
}

/**
 * Only the usual spelling: no octal, no hexadecimal, no short form. A zone (`fe80::1%eth0`) is left
 * out.
 */
function parseAddress(text: string): Address | undefined {
  const [address = ''] = text.split('%');
  return isIP(address) === 0 ? undefined : unmapped(parsedAsWritten(address));
}

/**
 * ipaddr.js takes `::8.8.8.8` for `::ffff:8.8.8.8`, which is another address; without dots it
 * cannot.
 */
function parsedAsWritten(address: string): Address {
  if (isIP(address) !== 6) return ipaddr.IPv4.parse(address);
  return ipaddr.IPv6.parse(bareHost(new URL(`http://[${address}]/`).hostname));
}

/** `::ffff:10.0.0.1` is dialled as 10.0.0.1. */
function unmapped(address: Address): Address {
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress()
    ? address.toIPv4Address()
    : address;
}

/** The address, and the IPv4 address that a NAT64 gateway would dial for it. */
function formsOf(address: Address): readonly Address[] {
  if (!(address instanceof ipaddr.IPv6) || !address.match([NAT64, 96])) return [address];
  return [address, new ipaddr.IPv4(address.toByteArray().slice(12))];
}

const NAT64 = ipaddr.IPv6.parse('64:ff9b::');
const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::');

/** undefined for a public address. */
function specialKind(forms: readonly Address[]): string | undefined {
  const address = forms.at(-1);
  if (address === undefined) return 'unknown';
  const range: string = address.range();
  const isPublic =
    range === 'unicast' &&
    (address.kind() === 'ipv4' || (address as ipaddr.IPv6).match([GLOBAL_UNICAST, 3]));
  return isPublic ? undefined : (valueOf(KINDS, range) ?? 'reserved');
}

/** By the names of ipaddr.js; all others are called `reserved`. */
const KINDS: Readonly<Record<string, string>> = {
  unspecified: 'unspecified',
  broadcast: 'a broadcast address',
  multicast: 'multicast',
  linkLocal: 'link-local, where clouds serve the credentials of a machine',
  loopback: 'loopback, this machine itself',
  carrierGradeNat: 'shared by a carrier (100.64.0.0/10)',
  private: 'private',
  uniqueLocal: 'private',
  deprecatedSiteLocal: 'private',
  '6to4': 'a 6to4 address',
  teredo: 'a Teredo address',
};

function refusalMessage({ host, address, kind }: AddressRefusal): string {
  const what = host === address ? address : `${host} (${address})`;
  const orName = host === address ? '' : ` or ${host}`;
  return (
    `The server does not connect to ${what}: that address is ${kind}. ` +
    `Whoever runs the server allows it by ALLOW_PRIVATE_URLS=${address}${orName}; ` +
    'networks such as 10.0.0.0/8 and several, separated by commas, work too.'
  );
}
