import { type Command, Option } from 'commander';
import { RUN_STATUSES } from '../../engine/plan/run-status.js';
import { PREVIEW_EVENTS } from '../../engine/preview/preview-events.js';
import { nameAndValue, wholeNumber } from '../command/option-values.js';
import type { Terminal } from '../terminal/terminal.js';
import type { ApplyFlags } from './apply-command.js';
import type { StatusFlags } from './execution-commands.js';
import type { LoginFlags } from './login-command.js';
import type { LogsFlags } from './logs-command.js';
import type { ListFlags } from './pipeline-commands.js';
import type { PlanFlags } from './plan-command.js';
import type { ClientFlags } from './session.js';
import type { TriggerFlags } from './trigger-command.js';
import type { WorkersFlags } from './workers-command.js';

const PIPELINE = 'id, beginning of an id, or name';
const EXECUTION = 'id, beginning of an id, or last (@) for the newest';
const LIST_LIMIT = 20;
const MAX_LIMIT = 200;

type Done = (exitCode: number) => void;

/**
 * The commands that talk to a server. Names of arguments tell completion what may stand there:
 * `pipeline`, `execution`, `file`.
 */
export function addClientCommands(program: Command, terminal: Terminal, done: Done): void {
  addLogin(program, terminal, done);
  addPipelines(program, terminal, done);
  addApply(program, terminal, done);
  addTrigger(program, terminal, done);
  addPlan(program, terminal, done);
  addExecutions(program, terminal, done);
  client(
    program
      .command('workers')
      .description('Workers of the server: state, slots, labels, last beat')
      .option('-a, --all', 'those that ended too'),
  ).action(async (flags: WorkersFlags) => {
    const { workersCommand } = await import('./workers-command.js');
    done(await workersCommand(flags, terminal));
  });
}

function addLogin(program: Command, terminal: Terminal, done: Done): void {
  program
    .command('login')
    .description('Check a token against a server and keep both for later commands')
    .argument(
      '[url]',
      'address of the server; default: MILLRACE_URL, else the server of this machine',
    )
    .option('--token-stdin', 'read the token from standard input')
    .option('--token <token>', 'the token; other users of this machine may see it while this runs')
    .option('--insecure', 'send the token over plain HTTP to another host, now and later')
    .action(async (url: string | undefined, flags: LoginFlags) => {
      const { loginCommand } = await import('./login-command.js');
      done(await loginCommand(url, flags, terminal));
    });
  program
    .command('logout')
    .description('Forget the token of a server')
    .argument('[url]', 'address of the server; default: the one of the last login')
    .action(async (url: string | undefined) => {
      const { logoutCommand } = await import('./login-command.js');
      done(logoutCommand(url, terminal));
    });
}

function addPipelines(program: Command, terminal: Terminal, done: Done): void {
  const pipelines = program.command('pipelines').description('List, read and change pipelines');
  paged(
    client(pipelines.command('list', { isDefault: true }).description('Pipelines, newest first')),
  ).action(async (flags: ListFlags) => {
    const { listPipelines } = await import('./pipeline-commands.js');
    done(await listPipelines(flags, terminal));
  });
  client(
    pipelines.command('get').description('One pipeline').argument('<pipeline>', PIPELINE),
  ).action(async (pipeline: string, flags: ClientFlags) => {
    const { getPipeline } = await import('./pipeline-commands.js');
    done(await getPipeline(pipeline, flags, terminal));
  });
  client(
    pipelines
      .command('yaml')
      .description('The text as it was stored')
      .argument('<pipeline>', PIPELINE),
  ).action(async (pipeline: string, flags: ClientFlags) => {
    const { pipelineYaml } = await import('./pipeline-commands.js');
    done(await pipelineYaml(pipeline, flags, terminal));
  });
  client(
    pipelines
      .command('create')
      .description('Store a new pipeline; apply is for one that may be there')
      .argument('<file>', 'pipeline YAML, - for standard input')
      .option('--allow-duplicate', 'also when there is one of this name'),
  ).action(async (file: string, flags: ClientFlags & { allowDuplicate?: boolean }) => {
    const { createPipeline } = await import('./pipeline-commands.js');
    done(await createPipeline(file, flags, terminal));
  });
  client(
    pipelines
      .command('update')
      .description('Store a new version of a pipeline')
      .argument('<pipeline>', PIPELINE)
      .argument('<file>', 'pipeline YAML, - for standard input')
      .option(
        '--if-version <number>',
        'only when this is still the current version',
        wholeNumber(1, 1e9),
      ),
  ).action(async (pipeline: string, file: string, flags: ClientFlags & { ifVersion?: number }) => {
    const { updatePipeline } = await import('./pipeline-commands.js');
    done(await updatePipeline(pipeline, file, flags, terminal));
  });
  addEnable(pipelines, terminal, done);
  client(
    pipelines
      .command('delete')
      .description('Delete a pipeline; its executions stay readable')
      .argument('<pipeline>', PIPELINE),
  ).action(async (pipeline: string, flags: ClientFlags) => {
    const { deletePipeline } = await import('./pipeline-commands.js');
    done(await deletePipeline(pipeline, flags, terminal));
  });
}

function addApply(program: Command, terminal: Terminal, done: Done): void {
  client(
    program
      .command('apply')
      .description('Make pipelines be what files say: a new one, a new version, or unchanged')
      .argument('<files...>', 'pipeline YAML, - for standard input')
      .option('-p, --pipeline <pipeline>', 'this one, whatever its name; for one file'),
  ).action(async (files: string[], flags: ApplyFlags) => {
    const { applyCommand } = await import('./apply-command.js');
    done(await applyCommand(files, flags, terminal));
  });
}

function addEnable(pipelines: Command, terminal: Terminal, done: Done): void {
  for (const [name, enabled, description] of [
    ['enable', true, 'Let a pipeline start executions again'],
    ['disable', false, 'Let a pipeline start nothing more; what runs continues'],
  ] as const) {
    client(
      pipelines.command(name).description(description).argument('<pipeline>', PIPELINE),
    ).action(async (pipeline: string, flags: ClientFlags) => {
      const { setEnabled } = await import('./pipeline-commands.js');
      done(await setEnabled(enabled, pipeline, flags, terminal));
    });
  }
}

function addTrigger(program: Command, terminal: Terminal, done: Done): void {
  const trigger = program
    .command('trigger')
    .description('Run a pipeline and follow its log; the exit code is the result')
    .argument('<pipeline>', PIPELINE);
  following(triggerOptions(client(trigger)))
    .option('--idempotency-key <key>', 'a second call with the same key starts nothing')
    .action(async (pipeline: string, flags: TriggerFlags) => {
      const { triggerCommand } = await import('./trigger-command.js');
      done(await triggerCommand(pipeline, flags, terminal));
    });
}

function addPlan(program: Command, terminal: Terminal, done: Done): void {
  const plan = program
    .command('plan')
    .description('What a trigger would do, and why; nothing is stored or started')
    .argument('<file|pipeline>', `pipeline YAML (- for standard input); else ${PIPELINE}`);
  triggerOptions(client(plan))
    .addOption(new Option('--event <event>', 'what happens').choices(PREVIEW_EVENTS).default('cli'))
    .addOption(new Option('--mermaid', 'only the graph, as text for Mermaid').conflicts('json'))
    .action(async (source: string, flags: PlanFlags) => {
      const { planCommand } = await import('./plan-command.js');
      done(await planCommand(source, flags, terminal));
    });
}

function addExecutions(program: Command, terminal: Terminal, done: Done): void {
  client(
    program
      .command('logs')
      .description('The log of an execution')
      .argument('<execution>', EXECUTION)
      .option('-f, --follow', 'continue until it is over; the exit code is its result')
      .option('--stage <name>', 'only lines of this stage')
      .option('--step <name>', 'only lines of steps of this name')
      .option('--attempt <number>', 'only lines of this attempt of a step', wholeNumber(1, 1_000))
      .option('--since-seq <number>', 'only lines behind this one', wholeNumber(0, 1e15))
      .option('-t, --timestamps', 'the time of each line (UTC)')
      .option('--no-prefix', 'leave out the names of the steps'),
  ).action(async (execution: string, flags: LogsFlags) => {
    const { logsCommand } = await import('./logs-command.js');
    done(await logsCommand(execution, flags, terminal));
  });
  paged(
    client(
      program
        .command('status')
        .description('One execution as a tree, or the newest ones')
        .argument('[execution]', EXECUTION)
        .option('-p, --pipeline <pipeline>', 'only those of this pipeline')
        .addOption(new Option('--state <status>', 'only those in this state').choices(RUN_STATUSES))
        .option('--branch <name>', 'only those of this branch'),
    ),
  ).action(async (execution: string | undefined, flags: StatusFlags) => {
    const { statusCommand } = await import('./execution-commands.js');
    done(await statusCommand(execution, flags, terminal));
  });
  client(
    program
      .command('explain')
      .description('Why each stage and step ran, waits or was skipped')
      .argument('<execution>', EXECUTION),
  ).action(async (execution: string, flags: ClientFlags) => {
    const { explainCommand } = await import('./execution-commands.js');
    done(await explainCommand(execution, flags, terminal));
  });
  client(
    program
      .command('cancel')
      .description('Cancel an execution')
      .argument('<execution>', EXECUTION)
      .option('--reason <text>', 'shown with the execution'),
  ).action(async (execution: string, flags: ClientFlags & { reason?: string }) => {
    const { cancelCommand } = await import('./execution-commands.js');
    done(await cancelCommand(execution, flags, terminal));
  });
  following(
    client(
      program
        .command('rerun')
        .description('Run the same plan again at the same commit, and follow its log')
        .argument('<execution>', EXECUTION),
    ),
  ).action(
    async (
      execution: string,
      flags: ClientFlags & { follow: boolean; cancelOnInterrupt?: boolean },
    ) => {
      const { rerunCommand } = await import('./execution-commands.js');
      done(await rerunCommand(execution, flags, terminal));
    },
  );
}

/** What a trigger may say. */
export function triggerOptions(command: Command): Command {
  return command
    .option('--branch <name>', 'branch to clone and to tell the pipeline')
    .option('--tag <name>', 'tag to clone')
    .option('--commit <sha>', 'commit to clone, 7 to 40 hex digits')
    .option('--repository <url>', "clone from here instead of the pipeline's repository")
    .option('--env <NAME=value>', 'variable of the trigger; may be repeated', nameAndValue)
    .option('--input <name=value>', 'value of an input; may be repeated', nameAndValue);
}

function following(command: Command): Command {
  return command
    .option('--no-follow', 'print the id of the execution and leave')
    .option('--cancel-on-interrupt', 'Ctrl-C cancels the execution; without, it continues');
}

function paged(command: Command): Command {
  return command
    .option('--limit <number>', 'how many', wholeNumber(1, MAX_LIMIT), LIST_LIMIT)
    .option('--cursor <cursor>', 'continue where the page before ended');
}

/** Options of every command that talks to a server. */
export function client(command: Command): Command {
  return command
    .option('--json', "the server's own JSON; errors too")
    .option('--server <url>', 'the server (MILLRACE_URL)')
    .option('--token <token>', 'the token (MILLRACE_TOKEN, which nobody else sees)')
    .option('--insecure', 'send the token over plain HTTP to another host');
}
