import { Injectable } from '@nestjs/common';
import { conflict, type MillraceError, notFound } from '../../common/errors/millrace.error.js';
import { type Page, pageOf, type PageRequest } from '../../common/http/paging.js';
import { DEFAULT_ENVIRONMENT } from '../../environments/environment.js';
import { type AskedRules, EnvironmentsService } from '../../environments/environments.service.js';
import { SuspendedWaits } from '../approvals/suspended-waits.js';
import { DeploymentStore } from '../record/deployment-store.js';
import type { EnvironmentPage, EnvironmentView } from './dto/environment.response.js';

/** Of one environment, services, and deployments that are not over. */
const MOST = 500;
/** Of services that a message names. */
const SHOWN = 10;

/** Environments with what is in them. One that nobody has configured is there all the same. */
@Injectable()
export class EnvironmentPages {
  constructor(
    private readonly environments: EnvironmentsService,
    private readonly store: DeploymentStore,
    private readonly waits: SuspendedWaits,
  ) {}

  /** By their names. */
  async list({ limit, after }: PageRequest): Promise<Page<EnvironmentView>> {
    const configured = await this.environments.list();
    const byName = new Map(configured.map((one) => [one._id, one]));
    const used = await this.store.environments();
    const names = new Set([...byName.keys(), ...used, DEFAULT_ENVIRONMENT]);
    const rows = [...names].sort().filter((name) => after === undefined || name > after);
    return pageOf(
      rows.map((name) => ({ name, configured: byName.get(name) })),
      limit,
      ({ name }) => name,
    );
  }

  /** @throws NotFoundError: nobody has configured it, and nothing was deployed to it */
  async get(name: string): Promise<EnvironmentPage> {
    const configured = await this.environments.find(name);
    const services = await this.services(name);
    if (configured === undefined && services.length === 0 && name !== DEFAULT_ENVIRONMENT) {
      throw notFound('environment', name);
    }
    return { name, configured, services };
  }

  /** @throws as `EnvironmentsService.set` */
  async set(name: string, rules: AskedRules, by: string): Promise<EnvironmentPage> {
    const configured = await this.environments.set(name, rules, by);
    await this.waits.lookAtAll(name);
    return { name, configured, services: await this.services(name) };
  }

  /**
   * @param keepServices somebody has said that what is deployed there may stay without rules
   * @throws as `EnvironmentsService.remove`; ConflictError: something is deployed there
   */
  async remove(name: string, keepServices: boolean): Promise<void> {
    const isKnown = (await this.environments.find(name)) !== undefined;
    const deployed = isKnown && !keepServices ? await this.deployedIn(name) : [];
    if (deployed.length > 0) throw servicesThere(name, deployed);
    await this.environments.remove(name);
    await this.waits.lookAtAll(name);
  }

  /** Ids of services that serve, or are about to; one whose first deployment failed does not. */
  private async deployedIn(name: string): Promise<readonly string[]> {
    return (await this.services(name))
      .filter(({ service, waiting }) => service.release_id !== null || waiting.length > 0)
      .map(({ service }) => service._id);
  }

  private async services(name: string): Promise<EnvironmentPage['services']> {
    const [services, unfinished] = await Promise.all([
      this.store.servicesIn(name, MOST),
      this.store.unfinishedIn(name, MOST),
    ]);
    const ids = services.flatMap(({ release_id: id }) => (id === null ? [] : [id]));
    const releases = await this.store.releasesWith(ids);
    return services.map((service) => ({
      service,
      release: releases.get(service.release_id ?? ''),
      waiting: unfinished.filter((one) => one.service_id === service._id),
    }));
  }
}

/** 409: what is deployed there would be without the rules that protect it. */
export function servicesThere(name: string, ids: readonly string[]): MillraceError {
  const more = ids.length > SHOWN ? ` and ${ids.length - SHOWN} more` : '';
  const shown = `${ids.slice(0, SHOWN).join(', ')}${more}`;
  return conflict(`The rules of ${name} protect what is deployed there: ${shown}.`, {
    suggestions: [
      'Remove those services first (`./millrace services remove NAME`), or set other rules by PUT.',
      'Or add ?keep_services=true: then everybody who may deploy may change them, and deployments that wait for approvals there continue.',
    ],
  });
}
