import { Logger } from '@nestjs/common';
import { portsResponse } from './dto/ports.response.js';
import { portLease } from './port-lease.fixture.js';
import { PortsOfHost } from './ports.fixture.js';
import { PortsService } from './ports.service.js';

describe('PortsService', () => {
  it('shows the range, what is skipped and why, and leases in pages', async () => {
    const ports = new PortsOfHost(32_000, 33_000);
    ports.host.spans = [{ from: 32_768, to: 60_999 }];
    ports.host.occupy(80, { pid: 812, program: 'nginx' });
    const owner = { service: 'shop', release: '7' };
    await ports.leases.take({ owner, wanted: 80 }).catch(() => undefined);
    await ports.store.insert(portLease({ port: 32_001, owner, state: 'held' }));
    await ports.store.insert(portLease({ port: 32_002, owner: { ...owner, instance: '1' } }));
    const view = await new PortsService(ports.store, ports.range, ports.host).view({ limit: 1 });
    expect(portsResponse(view)).toEqual({
      range: { from: 32_000, to: 33_000 },
      skipped: [
        {
          from: 32_768,
          to: 33_000,
          host: 'here',
          code: 'ephemeral',
          reason: 'the kernel gives them to outgoing connections',
        },
        { from: 80, to: 80, host: 'here', code: 'in_use', reason: 'nginx (pid 812) has it' },
      ],
      items: [
        {
          host: 'here',
          port: 32_001,
          name: 'default',
          owner: { ...owner, instance: null },
          state: 'held',
          reason: null,
          since: expect.any(Date) as Date,
        },
      ],
      next_cursor: expect.any(String) as string,
    });
  });
});

describe('PortRange', () => {
  it('leaves out what the kernel gives to outgoing connections, and warns of it', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const { range, host } = new PortsOfHost(20_000, 20_003);
    await range.onApplicationBootstrap();
    expect([warn.mock.calls, await range.usable()]).toEqual([[], [20_000, 20_001, 20_002, 20_003]]);
    host.spans = [{ from: 20_002, to: 60_999 }];
    await range.onApplicationBootstrap();
    expect(warn).toHaveBeenCalledWith(
      { skipped: [{ from: 20_002, to: 20_003 }], left: 2 },
      expect.stringContaining('PORT_RANGE overlaps'),
    );
    expect(await range.usable()).toEqual([20_000, 20_001]);
    warn.mockRestore();
  });
});
