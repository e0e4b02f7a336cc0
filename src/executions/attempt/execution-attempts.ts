import { Injectable, Logger } from '@nestjs/common';
import { MillraceConfig } from '../../config/millrace-config.js';
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
import type { PreparedFolders } from '../../workspaces/workspace-store.js';
import { PlanRuns } from './plan-runs.js';
import { ContinueExecution } from '../approvals/continue-execution.js';
import { Keyring } from '../../secrets/encryption/keyring.js';
import { WorkspaceSnapshots } from '../suspension/workspace-snapshots.js';
import { RunSecrets } from './run-secrets.js';

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
    private readonly secrets: RunSecrets,
    private readonly snapshots: WorkspaceSnapshots,
    private readonly keyring: Keyring,
    private readonly continuing: ContinueExecution,
    private readonly config: MillraceConfig,
  ) {}

  /** Does ahead what every attempt needs, while it is not known whether there will be one. */
  prepare(): PreparedFolders | undefined {
    return this.runs.prepare();
  }

  unprepare(prepared: PreparedFolders): void {
    this.runs.unprepare(prepared);
  }

  /** @param execution as the claim left it: its last placement is the attempt's */
  create(execution: ExecutionRecord, prepared?: PreparedFolders): ExecutionAttempt {
    const { runs, logs, plans, executions, endings, requeuing, traces, live } = this;
    const { tracing, secrets, logger } = this;
    const { publicUrl } = this.config;
    const { snapshots, keyring, continuing } = this;
    const suspending = { snapshots, keyring, continuing };
    const tools = {
      ...{ runs, logs, plans, executions, endings, requeuing, traces, live },
      ...{ tracing, secrets, logger, publicUrl, suspending },
    };
    return new ExecutionAttempt(execution, tools, prepared);
  }
}
