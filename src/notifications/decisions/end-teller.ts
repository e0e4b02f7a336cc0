import { Injectable, type OnModuleInit } from '@nestjs/common';
import { failPoint } from '../../common/fail-point.js';
import { cutText } from '../../common/values/cut-text.js';
import {
  type ExecutionEvent,
  type OutboxConsumer,
  OutboxConsumers,
} from '../../executions/outbox/outbox-consumers.js';
import {
  type EndedSummary,
  ExecutionListsRepository,
} from '../../executions/record/execution-lists.repository.js';
import {
  type Delivery,
  type ExecutionAlert,
  executionAlertId,
  withDeliveries,
} from '../alerts/alert.js';
import { AlertStore } from '../alerts/alert-store.js';
import type { ToldEnd } from '../alerts/told-end.js';
import { isOfPipeline, type PipelineChannel } from '../channels/channel.js';
import { ChannelStore } from '../channels/channel-store.js';
import { type DeliveryReasonCode, reason } from '../delivery/alert-channels.js';
import { AlertRecipients, deliveryTo } from './alert-recipients.js';
import { endBefore, eventsOf } from './execution-end.js';
import { MOST_MESSAGE } from './service-teller.js';

/** Executions of a pipeline and branch among which the end before is looked for, the newest. */
export const LOOKED_AT = 200;

/**
 * Stores who is to be told of the end of an execution, once: the id follows from the execution. It
 * is sent later and by others, so what becomes of that changes nothing of a run.
 */
@Injectable()
export class EndTeller implements OutboxConsumer, OnModuleInit {
  readonly name = 'pipeline-channels';
  readonly types = ['execution.finished'] as const;
  /** By the relay every end of every pipeline would make a job, though most have no channel. */
  readonly isDirect = true;
  readonly isUnhurried = true;

  constructor(
    private readonly lists: ExecutionListsRepository,
    private readonly channels: ChannelStore,
    private readonly alerts: AlertStore,
    private readonly recipients: AlertRecipients,
    private readonly consumers: OutboxConsumers,
  ) {}

  onModuleInit(): void {
    this.consumers.register(this);
  }

  async handle({ executionId, at, known }: ExecutionEvent): Promise<void> {
    const pipeline = known?.pipelineId;
    if (pipeline !== undefined && !(await this.channels.hasAny(pipeline))) return;
    const execution = await this.lists.ended(executionId);
    // Removed by now: nothing is known of it that could be told.
    if (execution === undefined) return;
    const all = await this.channels.of(execution.pipeline_id);
    const channels = all.filter(isOfPipeline).filter(({ created_at: made }) => made <= at);
    if (channels.length === 0) return;
    const events = await this.eventsOf(execution);
    const alert = alertOf(execution, at, events);
    await this.alerts.insert(withDeliveries(alert, await this.deliveries(channels, events)));
    failPoint('alert_stored');
  }

  private async eventsOf(execution: EndedSummary): Promise<readonly ToldEnd[]> {
    const { status, pipeline_id: pipelineId, trigger_info: info } = execution;
    if (status !== 'success') return eventsOf(status, undefined);
    const { branch } = info;
    const filter = { pipelineId, ...(branch !== undefined && { branch }) };
    const others = await this.lists.list(filter, LOOKED_AT, undefined);
    return eventsOf(status, endBefore(execution, others));
  }

  private async deliveries(
    channels: readonly PipelineChannel[],
    events: readonly ToldEnd[],
  ): Promise<readonly Delivery[]> {
    const asking = channels.filter(({ ends }) => ends.some((end) => events.includes(end)));
    const told = await this.recipients.others(asking, []);
    const now = Date.now();
    return channels.map((channel) => {
      if (told.includes(channel)) return deliveryTo(channel, now);
      if (events.length === 0) return skipped(channel, 'execution_cancelled');
      return skipped(channel, asking.includes(channel) ? 'same_target' : 'not_asked');
    });
  }
}

function skipped({ _id, name, type }: PipelineChannel, code: DeliveryReasonCode): Delivery {
  return {
    ...{ channel: _id, name, type, state: 'skipped', attempts: 0 },
    ...{ next_at: null, tried_at: null, reason: reason(code) },
  };
}

function alertOf(execution: EndedSummary, at: Date, events: readonly ToldEnd[]): ExecutionAlert {
  const { _id: id, pipeline_id: subject, pipeline_name, number, attempt, status } = execution;
  const { trigger_info: info, commit, failure, duration, reason: why } = execution;
  return {
    ...{ _id: executionAlertId(subject, at, id), subject, kind: 'execution', at },
    reason: why && { code: why.code, message: cutText(why.message, MOST_MESSAGE) },
    execution: {
      ...{ id, number, attempt, pipeline_name, status, events, duration },
      ...{ branch: info.branch ?? null, tag: info.tag ?? null },
      commit: commit?.sha ?? info.commit_hash ?? null,
      failure: failure && { stage: failure.stage, step: failure.step },
    },
    ...{ deliveries: [], due_at: null, created_at: new Date(), version: 1 },
  };
}
