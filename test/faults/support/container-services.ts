import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { instanceName } from '../../../src/deployments/routes/service-route.js';
import type { DockerEngine } from '../../support/docker-engine.js';
import { makeStepImage } from '../../support/step-image.js';
import { keptLooks, leftOver } from './left-over.js';
import type { RoutedServices } from './routed-services.js';
import { idOf } from './service-id.js';

/** Images `web:old` and `web:new`, of a server that answers with the word at port 8080. */
export async function makeWebImages(engine: DockerEngine): Promise<void> {
  for (const text of ['old', 'new']) {
    const runs = ['CMD ["httpd", "-f", "-p", "8080", "-h", "/srv"]'];
    await makeStepImage(engine, `web:${text}`, runs, async (root) => {
      await mkdir(join(root, 'srv'));
      await writeFile(join(root, 'srv/index.html'), text);
    });
  }
}

/** What an engine and the proxy have of services. */
export class ContainerServices {
  constructor(
    private readonly engine: DockerEngine,
    private readonly routed: RoutedServices,
  ) {}

  /**
   * One container runs; it and the route have the only ports; images are kept of what can serve,
   * and there is no network but that of all services. What is otherwise.
   *
   * @param served numbers of releases that have ever served
   */
  async leftOf(
    service: string,
    served: readonly string[],
    mostKept = 2,
  ): Promise<readonly string[]> {
    const containers = await this.containersOf(service);
    const [number = ''] = containers[0]?.split(' ') ?? [];
    const images = await this.imagesOf(service);
    const networks = ['network', 'ls', '--quiet', '--filter', 'type=custom'];
    const port = await this.routed.portOfRelease(service, number);
    return leftOver([
      ['containers', containers, [`${number} running`]],
      ['leases', await this.routed.leasesOf(service), [number, 'route']],
      ['ports', await this.routed.upstreamsOf(service), [port]],
      ['its image', images.filter((one) => one === number), [number]],
      ...keptLooks(images, served, mostKept),
      ['networks', (await this.lines(...networks)).length, 1],
    ]);
  }

  /** Nothing of a service that was stopped runs, and it has no port but that of its route. */
  async isStopped(service: string): Promise<boolean> {
    return (await this.containersOf(service)).length === 0 && this.routed.isClosed(service);
  }

  /** Nothing is there of a service that was removed. */
  async isGone(service: string): Promise<boolean> {
    return (await this.hasNothing(service)) && (await this.routed.isGone(service));
  }

  /** Nothing is there of its releases. */
  async hasNothing(service: string): Promise<boolean> {
    const left = [await this.containersOf(service), await this.imagesOf(service)];
    return left.flat().length === 0;
  }

  /** Numbers of releases, each with the state of its container. */
  private async containersOf(service: string): Promise<readonly string[]> {
    const names = ['ps', '--all', '--format', '{{.Names}} {{.State}}'];
    return numbered(service, await this.lines(...names));
  }

  /** Numbers of releases whose images are kept. */
  private async imagesOf(service: string): Promise<readonly string[]> {
    const tags = ['image', 'ls', '--format', '{{.Tag}}', 'millrace.invalid/release'];
    return numbered(service, await this.lines(...tags));
  }

  private async lines(...args: string[]): Promise<readonly string[]> {
    return (await this.engine.docker(...args)).split('\n').filter((line) => line !== '');
  }
}

/** Of lines with names of instances of the service: the numbers, and what stands behind them. */
function numbered(service: string, lines: readonly string[]): readonly string[] {
  const prefix = instanceName(idOf(service), 0).slice(0, -1);
  return lines.flatMap((line) => line.split(prefix)[1] ?? []).sort();
}
