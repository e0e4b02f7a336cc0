import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICE_RELEASES, shortName } from '../../../src/deployments/routes/service-route.js';
import type { SupervisedServices } from '../../../src/integrations/local-services/client/supervised-services.js';
import type { ServiceStatus } from '../../../src/integrations/local-services/local-services.js';
import {
  listInstanceIds,
  servicePlaces,
} from '../../../src/integrations/local-services/service-places.js';
import { supervisedPrograms } from '../../support/supervised-programs.js';
import { keptLooks, leftOver } from './left-over.js';
import type { RoutedServices } from './routed-services.js';
import { idOf } from './service-id.js';

/** Answers with what the file `text` beside it holds. */
export const TEXT_PROGRAM = `const text = require('node:fs').readFileSync('text', 'utf8');
require('node:http').createServer((_, answer) => answer.end(text)).listen(process.env.PORT, '127.0.0.1');
`;

/** What this machine and the proxy have of services that are its programs. */
export class ProgramServices {
  private readonly services: SupervisedServices;

  constructor(
    private readonly home: string,
    private readonly routed: RoutedServices,
  ) {
    this.services = supervisedPrograms(home);
  }

  async instancesOf(service: string): Promise<readonly ServiceStatus[]> {
    return (await this.services.list()).filter(({ id }) => isOf(service, id));
  }

  /**
   * One instance runs; what is there beside what it and its route need.
   *
   * @param served numbers of releases that have ever served
   */
  async leftOf(
    service: string,
    served: readonly string[],
    mostKept = 2,
  ): Promise<readonly string[]> {
    const all = await this.instancesOf(service);
    const [instance, ...others] = all;
    if (instance?.state !== 'running' || others.length > 0) {
      return [`instances: ${JSON.stringify(all)}`];
    }
    const number = instance.id.slice(instance.id.lastIndexOf('.') + 1);
    const releases = this.foldersOf(service);
    return leftOver([
      ['records', this.recordsOf(service), [instance.id]],
      ['leases', await this.routed.leasesOf(service), [number, 'route']],
      ['processes', this.workedIn(service), [number]],
      ['ports', await this.portsOf(instance.id), await this.routed.upstreamsOf(service)],
      ['its release', releases.filter((one) => one === number), [number]],
      ...keptLooks(releases, served, mostKept),
    ]);
  }

  /** Nothing of a service that was stopped runs, and it has no port but that of its route. */
  async isStopped(service: string): Promise<boolean> {
    const left = [this.recordsOf(service), this.workedIn(service), await this.instancesOf(service)];
    return left.flat().length === 0 && this.routed.isClosed(service);
  }

  /** Nothing is there of a service that was removed. */
  async isGone(service: string): Promise<boolean> {
    return (await this.hasNothing(service)) && (await this.routed.isGone(service));
  }

  /** Nothing is there of its releases. */
  async hasNothing(service: string): Promise<boolean> {
    const files = [this.recordsOf(service), this.foldersOf(service), this.workedIn(service)];
    const left = [...files, await this.instancesOf(service)];
    return left.flat().length === 0;
  }

  private async portsOf(instance: string): Promise<readonly number[]> {
    return (await this.services.listening(instance)).map(({ port }) => port);
  }

  private recordsOf(service: string): readonly string[] {
    const kept = listInstanceIds(servicePlaces(this.home).instances);
    return kept.filter((id) => isOf(service, id));
  }

  private foldersOf(service: string): readonly string[] {
    try {
      return readdirSync(join(this.home, SERVICE_RELEASES, shortName(idOf(service))));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return [];
    }
  }

  /** Numbers of the releases in whose folders processes of this machine work. */
  private workedIn(service: string): readonly string[] {
    const folder = join(this.home, SERVICE_RELEASES, shortName(idOf(service)), '/');
    const found = readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid))
      .flatMap((pid) => {
        const cwd = cwdOf(pid);
        return cwd?.startsWith(folder) === true ? [cwd.slice(folder.length)] : [];
      });
    return [...new Set(found)];
  }
}

function isOf(service: string, instance: string): boolean {
  return instance.startsWith(`${shortName(idOf(service))}.`);
}

/** Undefined: it has ended, or is nobody's that this test may look at. */
function cwdOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['ENOENT', 'ESRCH', 'EACCES'].includes(code)) throw error;
    return undefined;
  }
}
