/** By what a host is entered, and known. */
export interface SshIdentity {
  /** Private key. */
  readonly key: string;
  /** Lines of `known_hosts`. */
  readonly knownHosts: string;
}

/**
 * Port: the keys of releases on other hosts, for as long as there are releases. Settings name them
 * by their ids. Rejects when the store is away.
 */
export abstract class SshIdentities {
  /** @returns its id */
  abstract add(identity: SshIdentity): Promise<string>;
  /** @throws MissingKeyError, BrokenSealError */
  abstract find(id: string): Promise<SshIdentity | undefined>;
}
