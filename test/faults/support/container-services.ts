import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { instanceName } from '../../../src/deployments/routes/service-route.js';
import type { DockerEngine } from '../../support/docker-engine.js';
import { makeStepImage } from '../../support/step-image.js';
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
   * and there is no network but that of all services.
   *
   * @param served numbers of releases that have ever served
   */
  async isClean(service: string, served: readonly string[], mostKept = 2): Promise<boolean> {
    const containers = await this.containersOf(service);
    const [number = '', state] = containers[0]?.split(' ') ?? [];
    const images = await this.imagesOf(service);
    const upstreams = await this.routed.upstreamsOf(service);
    const networks = ['network', 'ls', '--quiet', '--filter', 'type=custom'];
    return (
      containers.length === 1 &&
      state === 'running' &&
      (await this.routed.leasesOf(service)).join(' ') === `${number} route` &&
      upstreams?.length === 1 &&
      upstreams[0] === (await this.routed.portOfRelease(service, number)) &&
      images.includes(number) &&
      images.length <= mostKept &&
      images.every((one) => served.includes(one)) &&
      (await this.lines(...networks)).length === 1
    );
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
