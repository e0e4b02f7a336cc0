import type { PortSpan } from '../../config/value-parsers.js';

/** Who has a port, as far as this process may know. */
export interface PortHolder {
  readonly pid?: number;
  /** Name of the program; one line, cut where it is long. */
  readonly program?: string;
  /** User id of the socket. */
  readonly user?: number;
}

/**
 * Port: the TCP ports of the host of this process (in a container: of that container). All methods
 * may be called concurrently. Adapters: Linux, and a fake.
 */
export abstract class HostPorts {
  /** Name of the host. */
  abstract readonly host: string;

  /**
   * True when a server could listen there now: on every address, and on loopback, of both families
   * (one that the host does not have does not count). It says nothing of the next moment.
   * @param port from 1 to 65535
   */
  abstract isFree(port: number): Promise<boolean>;

  /** Who listens there, or else has it; undefined: nobody, or nobody that can be seen. */
  abstract holderOf(port: number): Promise<PortHolder | undefined>;

  /**
   * What the kernel gives to outgoing connections, in order and without overlap: a server cannot
   * rely on any of these.
   */
  abstract ephemeral(): Promise<readonly PortSpan[]>;
}

/** `node (pid 12)`, for a sentence. */
export function holderName({ pid, program, user }: PortHolder = {}): string {
  if (pid !== undefined) return `${program ?? 'a program'} (pid ${pid})`;
  return user === undefined ? 'another program' : `a program of the user with the id ${user}`;
}
