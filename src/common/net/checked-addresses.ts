import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { type AddressPolicy, AddressRefusedError, bareHost } from './address-policy.js';

export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/**
 * Port: every address of a host name. Rejects with an error of Node's `dns` (`ENOTFOUND`,
 * `EAI_AGAIN`).
 */
export type ResolveHost = (host: string) => Promise<readonly ResolvedAddress[]>;

/** The resolver of the machine: `/etc/hosts`, then DNS. */
export const systemResolver: ResolveHost = async (host) => {
  const found = await lookup(host, { all: true, verbatim: true });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
};

/**
 * The addresses of a host, each of which the policy lets through: dial one of these, and not the
 * name, since a name may mean another address a moment later (DNS rebinding).
 * @throws AddressRefusedError when one of them is refused, even if others are not
 */
export async function checkedAddresses(
  policy: AddressPolicy,
  host: string,
  resolve: ResolveHost = systemResolver,
): Promise<readonly ResolvedAddress[]> {
  const name = bareHost(host);
  const version = isIP(name);
  const addresses: readonly ResolvedAddress[] =
    version === 0 ? await resolve(name) : [{ address: name, family: version === 6 ? 6 : 4 }];
  if (addresses.length === 0) {
    throw Object.assign(new Error(`${name} has no address`), { code: 'ENOTFOUND' });
  }
  for (const { address } of addresses) {
    const refusal = policy.refusalOf(host, address);
    if (refusal) throw new AddressRefusedError(refusal);
  }
  return addresses;
}

/**
 * For the option `lookup` of Node's sockets and HTTP clients: answers with addresses that are known
 * already.
 */
export function pinnedLookup(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_host, options, callback) => {
    if (options.all) return callback(null, [...addresses]);
    const [first] = addresses;
    callback(null, first?.address ?? '', first?.family);
  };
}

/**
 * Resolves each name once and remembers the outcome: for one piece of work (a clone, a delivery),
 * in which a name must not come to mean something else.
 */
export class CheckedResolver {
  private readonly known = new Map<string, Promise<readonly ResolvedAddress[]>>();

  constructor(
    private readonly policy: AddressPolicy,
    private readonly resolve: ResolveHost = systemResolver,
  ) {}

  /** As {@link checkedAddresses}. */
  addresses(host: string): Promise<readonly ResolvedAddress[]> {
    const name = bareHost(host);
    const known = this.known.get(name);
    if (known) return known;
    const found = checkedAddresses(this.policy, name, this.resolve);
    this.known.set(name, found);
    return found;
  }
}
