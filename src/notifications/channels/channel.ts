import type { ToldEnd } from '../alerts/told-end.js';

/** A header of the requests of a webhook. */
export interface ChannelHeader {
  readonly name: string;
  readonly value: string;
}

/** Where a channel leads: stored sealed, shown to nobody. */
export type ChannelTarget = WebhookTarget | EmailTarget;

export interface WebhookTarget {
  readonly type: 'webhook';
  /** `http:` or `https:`. */
  readonly url: string;
  /** Key of the signature of each body; null: they are not signed. */
  readonly secret: string | null;
  readonly headers: readonly ChannelHeader[];
}

export interface EmailTarget {
  readonly type: 'email';
  readonly to: readonly string[];
}

interface AnyChannel {
  /** {@link channelId} */
  readonly _id: string;
  /**
   * UUID of the service, or of the pipeline: one that is made again under the same name has none
   * of these.
   */
  readonly subject: string;
  readonly name: string;
  readonly type: ChannelTarget['type'];
  /** Whether its requests are signed. */
  readonly signed: boolean;
  readonly created_by: string;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** A way by which people hear of what becomes of a service; what may be shown of it. */
export interface ServiceChannel extends AnyChannel {
  /** `environment/name`. */
  readonly service: string;
}

/** A way by which people hear of how executions of a pipeline end; what may be shown of it. */
export interface PipelineChannel extends AnyChannel {
  /** What it hears of; never empty. */
  readonly ends: readonly ToldEnd[];
}

export type Channel = ServiceChannel | PipelineChannel;

export function isOfPipeline(channel: Channel): channel is PipelineChannel {
  return 'ends' in channel;
}

export function isOfService(channel: Channel): channel is ServiceChannel {
  return !isOfPipeline(channel);
}

/** Channels of a service or a pipeline, at most. */
export const MOST_CHANNELS = 10;

export function channelId(subject: string, name: string): string {
  return `${subject}:${name}`;
}

/** The same text for the same target. */
export function textOfTarget(target: ChannelTarget): string {
  if (target.type === 'email') return JSON.stringify([target.type, [...target.to].sort()]);
  const headers = target.headers.map(({ name, value }) => [name.toLowerCase(), value]).sort();
  return JSON.stringify([target.type, target.url, target.secret, headers]);
}
