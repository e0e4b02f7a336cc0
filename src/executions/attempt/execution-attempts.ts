import { Injectable, Logger } from '@nestjs/common';
import { Tracing } from '../../integrations/tracing/tracing.js';
import { PlansService } from '../../pipelines/versions/plans.service.js';
import { ExecutionTracesRepository } from '../record/execution-traces.repository.js';
import { EndExecution } from '../ending/end-execution.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { ExecutionsRepository } from '../record/executions.repository.js';
import { LiveExecutions } from '../record/live-executions.js';
import { RequeueExecution } from '../recovery/requeue-execution.js';
import { AttemptLogs } from './attempt-logs.js';
import { ExecutionAttempt } from './execution-attempt.js';
import { PlanRuns } from './plan-runs.js';

/** Makes the attempts of this worker. */
@Injectable()
export class ExecutionAttempts {
  private readonly logger = new Logger(ExecutionAttempt.name);

  constructor(
    private readonly runs: PlanRuns,
    private readonly logs: AttemptLogs,
    private readonly plans: PlansService,
    private readonly executions: ExecutionsRepository,
    private readonly endings: EndExecution,
    private readonly requeuing: RequeueExecution,
    private readonly traces: ExecutionTracesRepository,
    private readonly live: LiveExecutions,
    private readonly tracing: Tracing,
  ) {}

  /** @param execution as the claim left it: its last placement is the attempt's */
  create(execution: ExecutionRecord): ExecutionAttempt {
    const { runs, logs, plans, executions, endings, requeuing, traces, live } = this;
    const { tracing, logger } = this;
    return new ExecutionAttempt(execution, {
      ...{ runs, logs, plans, executions, endings, requeuing, traces, live },
      ...{ tracing, logger },
    });
  }
}
