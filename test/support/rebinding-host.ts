import type { ResolveHost } from '../../src/common/net/checked-addresses.js';

/** A name that means this machine the first time it is asked for, then a private address. */
export function rebindingHost(): {
  readonly names: readonly string[];
  readonly resolve: ResolveHost;
} {
  const names: string[] = [];
  return {
    names,
    resolve: (name) => {
      names.push(name);
      const address = names.length === 1 ? '127.0.0.1' : '10.0.0.1';
      return Promise.resolve([{ address, family: 4 }]);
    },
  };
}
