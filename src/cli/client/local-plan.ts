import { MillraceError } from '../../common/errors/millrace.error.js';
import { nameRecord } from '../../common/values/name-record.js';
import { repositorySupport } from '../../common/values/repository-url.js';
import { loadConfig } from '../../config/load-config.js';
import type { MillraceConfig } from '../../config/millrace-config.js';
import type { ForgeKind } from '../../integrations/forge/forge-event.js';
import { credentialMask } from '../../pipelines/compile/credential-masks.js';
import { dryRun, type DryRunTrigger } from '../../pipelines/compile/dry-run.js';
import { type PlanResponse, planResponse } from '../../pipelines/dry-run/dto/plan.response.js';
import {
  type AssumedTrigger,
  assumedTrigger,
  forgeTrigger,
} from '../../pipelines/trigger-request/assumed-trigger.js';
import { triggerEnvironment } from '../../pipelines/trigger-request/trigger-environment.js';
import { triggerRepository } from '../../pipelines/trigger-request/trigger-repository.js';
import { definitionsIn, type RepositoryFile } from '../../triggers/definitions/repository-files.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { readSource } from '../command/read-source.js';
import { assumedEventOf, type EventFlags, eventOfFile } from './assumed-event.js';

/** What the plan of a file here is asked with. */
export interface LocalPlanFlags extends EventFlags {
  readonly eventFile?: string;
  readonly forge?: ForgeKind;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: Readonly<Record<string, string>>;
}

/** A file, and what the plan route answers for its text. */
export interface PlannedFile {
  readonly file: string;
  readonly answer: PlanResponse;
}

/** `ignored`: the event starts nothing, whatever the files say. */
export type LocalPlan =
  | { readonly kind: 'planned'; readonly files: readonly PlannedFile[] }
  | { readonly kind: 'ignored'; readonly code: string; readonly message: string };

/**
 * What an event would do, without a server, by the code that decides about deliveries.
 * @param source a file, `-`, or undefined for those files of this folder that a push would read
 * @throws CommandError
 */
export async function planHere(
  source: string | undefined,
  flags: LocalPlanFlags,
): Promise<LocalPlan> {
  const config = loadConfig();
  const assumed = await assumedOf(flags, config);
  if ('ignored' in assumed) {
    return { kind: 'ignored', code: assumed.ignored, message: assumed.message };
  }
  const trigger: DryRunTrigger = {
    ...assumed.context,
    asked: assumed.asked,
    environment: asUsage(() => triggerEnvironment(flags.env ?? {})),
    inputs: nameRecord(Object.entries(flags.input ?? {})),
  };
  const files =
    source === undefined ? await filesHere() : [{ path: source, text: await readSource(source) }];
  return {
    kind: 'planned',
    files: files.map((file) => ({ file: file.path, answer: answerFor(file, trigger, config) })),
  };
}

async function assumedOf(
  flags: LocalPlanFlags,
  config: MillraceConfig,
): Promise<AssumedTrigger | { readonly ignored: string; readonly message: string }> {
  const { eventFile, forge } = flags;
  if (eventFile === undefined) {
    asUsage(() => triggerRepository(flags.repository, config));
    return assumedTrigger(assumedEventOf(flags));
  }
  const event = await eventOfFile(eventFile, forge);
  if ('ignored' in event) return event;
  if (event.commit === null) {
    return { ignored: 'ref_deleted', message: 'The branch or tag was deleted.' };
  }
  return forgeTrigger(event);
}

async function filesHere(): Promise<readonly RepositoryFile[]> {
  const files = await definitionsIn(process.cwd());
  if (files.length > 0) return files;
  throw new CommandError('Here is no .millrace.yml and no .millrace/*.yml.', exitCodes.notFound, [
    'Name a file or a pipeline: ./millrace plan FILE',
  ]);
}

function answerFor(
  file: RepositoryFile,
  trigger: DryRunTrigger,
  config: MillraceConfig,
): PlanResponse {
  if ('problem' in file) return unreadable(file.problem);
  const source = { kind: 'yaml', yaml: file.text } as const;
  const run = dryRun({ source, trigger }, repositorySupport(config));
  const mask =
    run.kind === 'valid'
      ? credentialMask(run.plan, trigger.repository ?? null)
      : (text: string) => text;
  const variables = Object.keys(trigger.environment);
  return planResponse(run, variables, mask, config.workerMaxParallelSteps);
}

function unreadable(message: string): PlanResponse {
  const place = { path: '', line: 1, column: 1 };
  const problem = { ...place, severity: 'error', code: 'definition_unreadable', message } as const;
  return {
    valid: false,
    problems: [problem],
    plan: null,
    decision: null,
    graph: null,
    mermaid: null,
  };
}

/** What a server would refuse as 400 is a wrong command line here. */
function asUsage<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    const { details, message, suggestions } = error;
    const problems = Array.isArray(details) ? (details as { message: string }[]) : [];
    const lines = problems.map((each) => `  ${each.message}`);
    throw new CommandError(message, exitCodes.usage, [...lines, ...suggestions]);
  }
}
