import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { AddressPolicy } from '../../src/common/net/address-policy.js';
import { DEFAULT_CHECK } from '../../src/service-registry/checks/service-check.js';
import { ServiceMonitor } from '../../src/service-registry/monitor/service-monitor.js';
import { NetworkProber } from '../../src/service-registry/probing/network-prober.js';

/**
 * What the monitor costs: 500 services with an interval of 10 s, asked over HTTP for 30 s. The goal
 * is a tenth of one core; the server that answers runs in the same process and is measured with it.
 */
async function measure(services: number, seconds: number): Promise<void> {
  const server = createServer((_request, response) => response.end('well'));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  let probes = 0;
  let failed = 0;
  const monitor = new ServiceMonitor({
    prober: new NetworkProber(new AddressPolicy(['all'])),
    fence: 1,
    listener: {
      news: () => undefined,
      row: (_service, { failure }) => {
        probes += 1;
        if (failure !== null) failed += 1;
      },
    },
  });
  monitor.start();
  for (let n = 0; n < services; n += 1) {
    monitor.watch({
      ...{ id: `default/s${n}`, check: DEFAULT_CHECK, isStopped: false, ttlMs: null, beat: null },
      endpoints: [{ url: `http://127.0.0.1:${port}/${n}`, isOwn: false }],
      ...{ problem: null, health: null, outbox: [] },
    });
  }
  await sleep(10_000);
  const before = process.cpuUsage();
  [probes, failed] = [0, 0];
  await sleep(seconds * 1000);
  const { user, system } = process.cpuUsage(before);
  monitor.stop();
  server.close();
  const share = ((user + system) / 1000 / (seconds * 1000)) * 100;
  process.stdout.write(
    `${services} services, ${probes} probes in ${seconds} s (${failed} failed): ` +
      `${share.toFixed(1)} % of one core, with the server that answers\n`,
  );
}

void measure(Number(process.argv[2] ?? 500), Number(process.argv[3] ?? 30));
