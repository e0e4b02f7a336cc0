import { ApiProperty } from '@nestjs/swagger';
import { pageBody } from '../../common/http/paging.js';
import type { PortLease, PortState } from '../port-lease.js';
import { MOST_SKIPPED, type PortsView, type SkippedPorts } from '../ports.service.js';

/** From the first to the last, both included. */
export class PortSpanResponse {
  @ApiProperty({ type: 'integer', example: 20000 })
  from!: number;

  @ApiProperty({ type: 'integer', example: 29999 })
  to!: number;
}

/** Ports that are given to nobody. */
export class SkippedPortsResponse extends PortSpanResponse {
  @ApiProperty({ example: 'build-1' })
  host!: string;

  @ApiProperty({
    enum: ['ephemeral', 'in_use'],
    description:
      '`ephemeral`: the kernel of this host gives them to outgoing connections; `in_use`: a program that is not of Millrace had the port when it was last looked at.',
  })
  code!: SkippedPorts['code'];

  @ApiProperty({ example: 'nginx (pid 812) has it' })
  reason!: string;
}

/** What a port is leased to. */
export class PortOwnerResponse {
  @ApiProperty({ example: 'shop' })
  service!: string;

  @ApiProperty({ example: '7' })
  release!: string;

  @ApiProperty({ type: String, nullable: true, description: 'Where a release has several.' })
  instance!: string | null;
}

/** One port of one host, and what it is leased to. */
export class PortLeaseResponse {
  @ApiProperty({ example: 'build-1' })
  host!: string;

  @ApiProperty({ type: 'integer', example: 20417 })
  port!: number;

  @ApiProperty({ description: 'What its owner calls it.', example: 'default' })
  name!: string;

  @ApiProperty({ type: PortOwnerResponse })
  owner!: PortOwnerResponse;

  @ApiProperty({
    enum: ['taking', 'held', 'releasing'],
    description:
      '`taking`: it is being looked at; `held`: it is the owner’s; `releasing`: the owner has it no more, and it is given again once nobody listens there.',
  })
  state!: Exclude<PortState, 'in_use'>;

  @ApiProperty({ type: String, nullable: true, description: 'Why it is `releasing` still.' })
  reason!: string | null;

  @ApiProperty({
    type: String,
    format: 'date-time',
    description: 'When it was taken; of one that is `releasing`, when it was given back.',
  })
  since!: Date;
}

/** Body of `GET /api/ports`. */
export class PortsResponse {
  @ApiProperty({ type: PortSpanResponse, description: '`PORT_RANGE`' })
  range!: PortSpanResponse;

  @ApiProperty({
    type: [SkippedPortsResponse],
    description: `The first ${MOST_SKIPPED} that are \`in_use\`, and all of the kernel's.`,
  })
  skipped!: SkippedPortsResponse[];

  @ApiProperty({ type: [PortLeaseResponse], description: 'In order of hosts and ports.' })
  items!: PortLeaseResponse[];

  @ApiProperty({ type: String, nullable: true, example: null })
  next_cursor!: string | null;
}

export function portsResponse({ range, skipped, page }: PortsView): PortsResponse {
  const { items, next_cursor } = pageBody(page);
  const { from, to } = range;
  return {
    range: { from, to },
    skipped: [...skipped],
    items: items.flatMap(leaseResponse),
    next_cursor,
  };
}

function leaseResponse(lease: PortLease): PortLeaseResponse[] {
  const { host, port, name, owner, state, reason, since } = lease;
  if (owner === null || state === 'in_use') return [];
  const { service, release, instance = null } = owner;
  return [{ host, port, name, owner: { service, release, instance }, state, reason, since }];
}
