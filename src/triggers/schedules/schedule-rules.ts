import { createHash } from 'node:crypto';
import type { TriggerDocument } from '../../engine/definition/definition-document.js';
import type { DueRule } from '../../engine/schedules/due-tick.js';

/** A rule of a pipeline that says when it starts. */
export interface PipelineSchedule extends DueRule {
  /**
   * Of pipeline, times and zone: the same rule of another version of the YAML has it too, and two
   * rules that say the same are one.
   */
  readonly id: string;
  readonly pipelineId: string;
}

export function schedulesOf(
  pipelineId: string,
  triggers: readonly TriggerDocument[],
): PipelineSchedule[] {
  const found = new Map<string, PipelineSchedule>();
  for (const { trigger_type: type, config } of triggers) {
    const { cron_expression: cron, timezone = 'UTC', catch_up: catchUp = true } = config;
    if (type !== 'schedule' || typeof cron !== 'string' || typeof timezone !== 'string') continue;
    const said = `${cron.trim().replaceAll(/\s+/g, ' ')} ${timezone}`;
    const key = createHash('sha256').update(said).digest('hex').slice(0, 16);
    const id = `${pipelineId}:${key}`;
    if (found.has(id)) continue;
    found.set(id, { id, pipelineId, cron, timezone, catchUp: catchUp !== false });
  }
  return [...found.values()];
}
