import { Injectable } from '@nestjs/common';
import { hostname } from 'node:os';
import { PortLeases } from '../../ports/port-leases.js';
import { ServiceRemoval } from '../../service-registry/service-removal.js';
import { type Deployment, isFinished, type TargetSettings } from '../record/deployment.js';
import { DeploymentStore } from '../record/deployment-store.js';
import { ReleaseEnvironments } from './release-environments.js';
import { DeployTargets } from '../targets/deploy-targets.js';
import type { DeployTarget } from '../targets/deploy-target.js';
import { DirectSources } from './direct-sources.js';
import { DeploymentGate } from './approval-gate.js';
import { copiedFiles } from './copied-files.js';
import { DeploymentRun } from './deployment-run.js';
import { InstanceTurns } from './instance-turns.js';
import type { RunDeployment } from './recorded-run.js';
import { RemovalRun } from './removal-run.js';
import { RestartRun } from './restart-run.js';
import { StopRun } from './stop-run.js';
import { UnitInstancesRun } from './unit-instances-run.js';
import { UnitRemovalRun } from './unit-removal-run.js';
import { UnitRun } from './unit-run.js';

/** The deployments that this process is at. */
@Injectable()
export class OwnDeployments {
  /** By this name the worker's list shows it too. */
  readonly host = hostname();
  private readonly ids = new Set<string>();

  constructor(
    private readonly store: DeploymentStore,
    private readonly targets: DeployTargets,
    readonly gate: DeploymentGate,
    private readonly turns: InstanceTurns,
    private readonly registry: ServiceRemoval,
    private readonly environments: ReleaseEnvironments,
    private readonly direct: DirectSources,
    private readonly ports: PortLeases,
  ) {}

  targetOf(settings: TargetSettings): DeployTarget {
    return this.targets.of(settings);
  }

  has(id: string): boolean {
    return this.ids.has(id);
  }

  /** The deployment is this process's until the work has ended. */
  async during<T>(id: string, work: () => Promise<T>): Promise<T> {
    this.ids.add(id);
    try {
      return await work();
    } finally {
      this.ids.delete(id);
    }
  }

  /** @throws as `DeploymentRun.run` */
  async run(deployment: Deployment, asked: RunDeployment): Promise<Deployment> {
    if (isFinished(deployment)) return deployment;
    const { store, host, gate } = this;
    const targetOf = (settings: TargetSettings): DeployTarget => this.targetOf(settings);
    const forget = (serviceId: string): Promise<void> => this.registry.remove(serviceId);
    const { environments, turns, ports } = this;
    const tools = { store, host, targetOf, gate, turns, forget, environments, ports };
    const { settings, kind } = deployment;
    if (settings.type === 'hybrid') {
      if (kind === 'stop' || kind === 'start' || kind === 'restart') {
        return new UnitInstancesRun({ ...deployment, settings, kind }, tools, asked).run();
      }
      const Run = kind === 'remove' ? UnitRemovalRun : UnitRun;
      return new Run({ ...deployment, settings }, tools, asked).run();
    }
    if (kind === 'remove') return new RemovalRun(deployment, tools, asked).run();
    if (kind === 'stop') return new StopRun(deployment, tools, asked).run();
    if (kind === 'restart' || kind === 'start') {
      return new RestartRun(deployment, tools, asked).run();
    }
    if (deployment.direct !== undefined) {
      return this.direct.runOf(deployment, deployment.direct, tools, asked).run();
    }
    const copied = await copiedFiles(deployment, tools);
    return new DeploymentRun(deployment, tools, { ...asked, ...copied }).run();
  }
}
