import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../common/http/paging.js';
import { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import { type Alert, type ExecutionAlert, isOfExecution } from '../alerts/alert.js';
import { AlertStore } from '../alerts/alert-store.js';
import type { AskedChannel } from './asked-channel.js';
import type { ToldEnd } from '../alerts/told-end.js';
import { isOfPipeline, type PipelineChannel } from './channel.js';
import { KeptChannels } from './kept-channels.js';

/** What a channel hears of where nothing is said. */
export const DEFAULT_ON: readonly ToldEnd[] = ['failure', 'fixed'];

/** By which people hear of how executions of a pipeline end, and what they were told. */
@Injectable()
export class PipelineChannelsService {
  constructor(
    private readonly pipelines: PipelinesService,
    private readonly channels: KeptChannels,
    private readonly alerts: AlertStore,
  ) {}

  /** By their names; never where they lead. @throws NotFoundError */
  async list(pipelineId: string): Promise<readonly PipelineChannel[]> {
    await this.pipelines.getHead(pipelineId);
    return (await this.channels.of(pipelineId)).filter(isOfPipeline);
  }

  /**
   * Makes or replaces one, whole.
   * @throws NotFoundError, ValidationError, ConflictError: there are too many;
   *   UnprocessableError: the address, or no mail server is configured
   */
  async set(
    pipelineId: string,
    name: string,
    asked: AskedChannel & { readonly on?: readonly ToldEnd[] | undefined },
    by: string,
  ): Promise<PipelineChannel> {
    const target = await this.channels.targetOf(asked);
    const { name: title } = await this.pipelines.getHead(pipelineId);
    const ends = [...new Set(asked.on ?? DEFAULT_ON)];
    const whose = { subject: pipelineId, title, more: { ends } };
    const channel = await this.channels.set(whose, name, target, by);
    return { ...channel, ends };
  }

  /** What was not delivered by it is given up. @throws NotFoundError */
  async remove(pipelineId: string, name: string): Promise<void> {
    await this.pipelines.getHead(pipelineId);
    await this.channels.remove(pipelineId, name);
  }

  /** What was told, the newest first. @throws NotFoundError */
  async told(pipelineId: string, page: PageRequest): Promise<Page<ExecutionAlert>> {
    await this.pipelines.getHead(pipelineId);
    const found: Page<Alert> = await this.alerts.page(pipelineId, page);
    return { ...found, items: found.items.filter(isOfExecution) };
  }
}
