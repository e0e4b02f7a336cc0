import { conflict, type MillraceError } from '../common/errors/millrace.error.js';
import type { PortSpan } from '../config/value-parsers.js';
import { holderName, type PortHolder } from './host/host-ports.js';
import { ownerName, type PortLease, type PortOwner } from './port-lease.js';

const OTHER_PORT = 'Choose another port, or name none to get one of PORT_RANGE.';

/** 409: the wanted port is another owner's. */
export function portLeased(
  { port, state, since, reason }: PortLease,
  owner: PortOwner,
): MillraceError {
  const details = { code: 'port_leased', port, state, ...owner, since: since.toISOString() };
  const who = ownerName(owner);
  if (state === 'releasing') {
    return conflict(`Port ${port} was given back by ${who}, but ${reason ?? 'it is in use'}.`, {
      details,
      suggestions: ['End the program that is there; the port is free within a minute.', OTHER_PORT],
    });
  }
  return conflict(`Port ${port} belongs to ${who}.`, { details, suggestions: [OTHER_PORT] });
}

/** 409: a program that nobody leased the wanted port for has it. */
export function portInUse(port: number, holder: PortHolder | undefined): MillraceError {
  const { pid = null, program = null } = holder ?? {};
  return conflict(`Port ${port} is in use on this host by ${holderName(holder)}.`, {
    details: { code: 'port_in_use', port, pid, program },
    suggestions: ['End the program that is there.', OTHER_PORT],
  });
}

/** 409: none of the range is left. @param all leases of the host */
export function portsExhausted(
  { from, to }: PortSpan,
  usable: readonly number[],
  all: readonly PortLease[],
): MillraceError {
  const ofRange = new Set(usable);
  const known = all.filter(({ port }) => ofRange.has(port));
  const inUse = known.filter(({ state }) => state === 'in_use').length;
  const leased = known.length - inUse;
  const kernel = to - from + 1 - usable.length;
  return conflict(
    `No port of PORT_RANGE ${from}-${to} is left: ${leased} are leased, ${inUse} are in use by other programs, ${kernel} are the kernel's for outgoing connections.`,
    {
      details: { code: 'ports_exhausted', leased, in_use: inUse, kernel },
      suggestions: [
        '`./millrace ports` shows who has them; stop what is not needed, or make PORT_RANGE larger.',
      ],
    },
  );
}
