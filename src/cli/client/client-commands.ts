import { type Command, InvalidArgumentError, Option } from 'commander';
import { AUDIT_ACTION_NAMES, AUDIT_OUTCOMES } from '../../common/audit/audit-actions.js';
import { RUN_STATUSES } from '../../engine/plan/run-status.js';
import { PREVIEW_EVENTS } from '../../engine/preview/preview-events.js';
import { FORGE_KINDS } from '../../integrations/forge/forge-event.js';
import { SECRET_EVENTS } from '../../secrets/store/secret-rules.js';
import { nameAndValue, wholeNumber } from '../command/option-values.js';
import type { Terminal } from '../terminal/terminal.js';
import { addAccessCommands } from './access-commands.js';
import type { ApplyFlags } from './apply-command.js';
import type { AuditListFlags, AuditVerifyFlags } from './audit-commands.js';
import {
  addClientOptions,
  addPageOptions,
  type Done,
  EXECUTION,
  PIPELINE,
  PIPELINE_VERSION,
} from './client-options.js';
import { addEventCommands } from './event-commands.js';
import type { StatusFlags } from './execution-commands.js';
import type { LoginFlags } from './login-command.js';
import type { PageFlags } from './list-page.js';
import type { LogsFlags } from './logs-command.js';
import type { UpdateFlags } from './pipeline-commands.js';
import type { PlanFlags } from './plan-command.js';
import { addDeployCommand } from './deploy-command.js';
import { addDeploymentCommands } from './deployment-commands.js';
import { addAlertCommands, addPipelineAlerts } from './alert-commands.js';
import { addPipelineHistory } from './pipeline-history.js';
import { addServiceCommands } from './service-commands.js';
import { addResultCommands } from './result-commands.js';
import type { SecretFlags, SecretListFlags, SecretRuleFlags } from './secrets-command.js';
import type { ClientFlags } from './session.js';
import type { TriggerFlags } from './trigger-command.js';
import type { WorkersFlags } from './workers-command.js';

/** What an event file says itself. */
const EVENT_VALUES = [
  ...['branch', 'tag', 'commit', 'changed', 'message'],
  ...['base', 'head', 'action', 'title', 'draft', 'fork'],
];
const SECRET = 'the name of the variable in which steps find it';

/**
 * The commands that talk to a server. Names of arguments tell completion what may stand there:
 * `pipeline`, `execution`, `repository`, `delivery`, `file`.
 */
export function addClientCommands(program: Command, terminal: Terminal, setExitCode: Done): void {
  addLogin(program, terminal, setExitCode);
  addPipelines(program, terminal, setExitCode);
  addApply(program, terminal, setExitCode);
  addTrigger(program, terminal, setExitCode);
  addPlan(program, terminal, setExitCode);
  addExecutions(program, terminal, setExitCode);
  addResultCommands(program, terminal, setExitCode);
  addDeployCommand(program, terminal, setExitCode);
  addDeploymentCommands(program, terminal, setExitCode);
  const services = addServiceCommands(program, terminal, setExitCode);
  addAlertCommands(services, terminal, setExitCode);
  addAudit(program, terminal, setExitCode);
  addSecrets(program, terminal, setExitCode);
  addEventCommands(program, terminal, setExitCode);
  addAccessCommands(program, terminal, setExitCode);
  addClientOptions(
    program
      .command('workers')
      .description('Workers of the server: state, slots, labels, last beat')
      .option('-a, --all', 'those that ended too'),
  ).action(async (flags: WorkersFlags) => {
    const { workersCommand } = await import('./workers-command.js');
    setExitCode(await workersCommand(flags, terminal));
  });
  addPageOptions(
    addClientOptions(
      program.command('ports').description('Ports that are given to what is deployed, and to whom'),
    ),
  ).action(async (flags: PageFlags) => {
    const { portsCommand } = await import('./ports-command.js');
    setExitCode(await portsCommand(flags, terminal));
  });
}

function addAudit(program: Command, terminal: Terminal, setExitCode: Done): void {
  const audit = program
    .command('audit')
    .description('Who did what, and whether all of it is there');
  addPageOptions(
    addClientOptions(
      audit
        .command('list', { isDefault: true })
        .description('Records, newest first')
        .option('--actor <name>', 'id or name of who did it')
        .addOption(new Option('--action <action>', 'what was done').choices(AUDIT_ACTION_NAMES))
        .option('--target <name>', 'id or name of what it was done to')
        .addOption(new Option('--outcome <outcome>', 'how it went').choices(AUDIT_OUTCOMES))
        .option('--from <time>', 'not before, as 2026-01-31T12:00:00Z')
        .option('--to <time>', 'not after'),
    ),
  ).action(async (flags: AuditListFlags) => {
    const { auditList } = await import('./audit-commands.js');
    setExitCode(await auditList(flags, terminal));
  });
  addClientOptions(
    audit
      .command('verify')
      .description('Whether the records are as they were stored, and none is missing')
      .option(
        '--since <seq:hash>',
        'from a record that was seen before, which must be there still',
      ),
  ).action(async (flags: AuditVerifyFlags) => {
    const { auditVerify } = await import('./audit-commands.js');
    setExitCode(await auditVerify(flags, terminal));
  });
}

function addLogin(program: Command, terminal: Terminal, setExitCode: Done): void {
  program
    .command('login')
    .description('Log in to a server, by a token or in the browser, for later commands')
    .argument(
      '[url]',
      'address of the server; default: MILLRACE_URL, else the server of this machine',
    )
    .option('--web [forge]', 'log in in the browser; name the forge where there are several')
    .option('--token-stdin', 'read the token from standard input')
    .option('--token <token>', 'the token; other users of this machine may see it while this runs')
    .option('--insecure', 'send the token over plain HTTP to another host, now and later')
    .action(async (url: string | undefined, flags: LoginFlags) => {
      const { loginCommand } = await import('./login-command.js');
      setExitCode(await loginCommand(url, flags, terminal));
    });
  program
    .command('logout')
    .description('Forget the token of a server; one of login --web is revoked')
    .argument('[url]', 'address of the server; default: the one of the last login')
    .action(async (url: string | undefined) => {
      const { logoutCommand } = await import('./login-command.js');
      setExitCode(await logoutCommand(url, terminal));
    });
}

function addPipelines(program: Command, terminal: Terminal, setExitCode: Done): void {
  const pipelines = program.command('pipelines').description('List, read and change pipelines');
  addPageOptions(
    addClientOptions(
      pipelines.command('list', { isDefault: true }).description('Pipelines, newest first'),
    ),
  ).action(async (flags: PageFlags) => {
    const { listPipelines } = await import('./pipeline-commands.js');
    setExitCode(await listPipelines(flags, terminal));
  });
  addClientOptions(
    pipelines.command('get').description('One pipeline').argument('<pipeline>', PIPELINE),
  ).action(async (pipeline: string, flags: ClientFlags) => {
    const { getPipeline } = await import('./pipeline-commands.js');
    setExitCode(await getPipeline(pipeline, flags, terminal));
  });
  addClientOptions(
    pipelines
      .command('yaml')
      .description('The text as it was stored')
      .argument('<pipeline>', PIPELINE_VERSION),
  ).action(async (pipeline: string, flags: ClientFlags) => {
    const { pipelineYaml } = await import('./pipeline-commands.js');
    setExitCode(await pipelineYaml(pipeline, flags, terminal));
  });
  addPipelineAlerts(pipelines, terminal, setExitCode);
  addPipelineHistory(pipelines, terminal, setExitCode);
  addClientOptions(
    pipelines
      .command('create')
      .description('Store a new pipeline; apply is for one that may be there')
      .argument('<file>', 'pipeline YAML, - for standard input')
      .option('--allow-duplicate', 'also when there is one of this name'),
  ).action(async (file: string, flags: ClientFlags & { allowDuplicate?: boolean }) => {
    const { createPipeline } = await import('./pipeline-commands.js');
    setExitCode(await createPipeline(file, flags, terminal));
  });
  addClientOptions(
    pipelines
      .command('update')
      .description('Store a new version of a pipeline')
      .argument('<pipeline>', PIPELINE)
      .argument('<file>', 'pipeline YAML, - for standard input')
      .option(
        '--if-version <number>',
        'only when this is still the current version',
        wholeNumber(1, 1e9),
      )
      .option('--rename', 'the name of the file becomes its name'),
  ).action(async (pipeline: string, file: string, flags: UpdateFlags) => {
    const { updatePipeline } = await import('./pipeline-commands.js');
    setExitCode(await updatePipeline(pipeline, file, flags, terminal));
  });
  addEnable(pipelines, terminal, setExitCode);
  addClientOptions(
    pipelines
      .command('delete')
      .description('Delete a pipeline; its executions stay readable')
      .argument('<pipeline>', PIPELINE),
  ).action(async (pipeline: string, flags: ClientFlags) => {
    const { deletePipeline } = await import('./pipeline-commands.js');
    setExitCode(await deletePipeline(pipeline, flags, terminal));
  });
}

function addApply(program: Command, terminal: Terminal, setExitCode: Done): void {
  addClientOptions(
    program
      .command('apply')
      .description('Make pipelines be what files say: a new one, a new version, or unchanged')
      .argument('<files...>', 'pipeline YAML, - for standard input')
      .option('-p, --pipeline <pipeline>', 'this one, whatever its name; for one file'),
  ).action(async (files: string[], flags: ApplyFlags) => {
    const { applyCommand } = await import('./apply-command.js');
    setExitCode(await applyCommand(files, flags, terminal));
  });
}

function addEnable(pipelines: Command, terminal: Terminal, setExitCode: Done): void {
  for (const [name, enabled, description] of [
    ['enable', true, 'Let a pipeline start executions again'],
    ['disable', false, 'Let a pipeline start nothing more; what runs continues'],
  ] as const) {
    addClientOptions(
      pipelines.command(name).description(description).argument('<pipeline>', PIPELINE),
    ).action(async (pipeline: string, flags: ClientFlags) => {
      const { setEnabled } = await import('./pipeline-commands.js');
      setExitCode(await setEnabled(enabled, pipeline, flags, terminal));
    });
  }
}

function addTrigger(program: Command, terminal: Terminal, setExitCode: Done): void {
  const trigger = program
    .command('trigger')
    .description('Run a pipeline and follow its log; the exit code is the result')
    .argument('<pipeline>', PIPELINE);
  addFollowOptions(addTriggerOptions(addClientOptions(trigger)))
    .option('--idempotency-key <key>', 'a second call with the same key starts nothing')
    .action(async (pipeline: string, flags: TriggerFlags) => {
      const { triggerCommand } = await import('./trigger-command.js');
      setExitCode(await triggerCommand(pipeline, flags, terminal));
    });
}

function addPlan(program: Command, terminal: Terminal, setExitCode: Done): void {
  const plan = program
    .command('plan')
    .description('What a trigger would do, and why; nothing is stored or started')
    .argument(
      '[file|pipeline]',
      `pipeline YAML (- for standard input), planned here; else ${PIPELINE}. Without it: .millrace.yml and .millrace/*.yml`,
    );
  addEventOptions(addTriggerOptions(addClientOptions(plan)))
    .addOption(new Option('--mermaid', 'only the graph, as text for Mermaid').conflicts('json'))
    .action(async (source: string | undefined, flags: PlanFlags) => {
      const { planCommand } = await import('./plan-command.js');
      setExitCode(await planCommand(source, flags, terminal));
    });
}

/** What `plan` may be told of an event. */
function addEventOptions(command: Command): Command {
  return command
    .addOption(new Option('--event <event>', 'what happens').choices(PREVIEW_EVENTS).default('cli'))
    .option('--changed <path...>', 'files that were changed; name the pipeline before them')
    .option('--message <text>', 'of the head commit; a skip mark in its first line counts')
    .option('--base <branch>', 'of a pull request: where it is to be merged into')
    .option('--head <branch>', 'of a pull request: where it comes from')
    .option('--action <action>', 'what happened to the pull request: opened, synchronize, …')
    .option('--title <text>', 'of the pull request; a skip mark in it counts')
    .option('--draft', 'the pull request is a draft')
    .option('--fork', 'the pull request is from another repository')
    .addOption(
      new Option(
        '--event-file <file>',
        'the JSON that a forge has sent says all of this',
      ).conflicts(EVENT_VALUES),
    )
    .addOption(
      new Option('--forge <forge>', 'of the event file; default: by its form').choices(FORGE_KINDS),
    );
}

function addExecutions(program: Command, terminal: Terminal, setExitCode: Done): void {
  addClientOptions(
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
    setExitCode(await logsCommand(execution, flags, terminal));
  });
  addPageOptions(
    addClientOptions(
      program
        .command('status')
        .description('One execution as a tree, or the newest ones')
        .argument('[execution]', EXECUTION)
        .option('-p, --pipeline <pipeline>', 'only those of this pipeline')
        .addOption(new Option('--state <status>', 'only those in this state').choices(RUN_STATUSES))
        .option('--branch <name>', 'only those of this branch'),
    ),
  ).action(async (execution: string | undefined, flags: StatusFlags, command: Command) => {
    const { statusCommand } = await import('./execution-commands.js');
    const isLimited = command.getOptionValueSource('limit') === 'cli';
    setExitCode(await statusCommand(execution, { ...flags, isLimited }, terminal));
  });
  addClientOptions(
    program
      .command('explain')
      .description('Why each stage and step ran, waits or was skipped; or why a deployment did')
      .argument('<execution>', `${EXECUTION}; or the id of a deployment`),
  ).action(async (execution: string, flags: ClientFlags) => {
    const { explainCommand } = await import('./execution-commands.js');
    setExitCode(await explainCommand(execution, flags, terminal));
  });
  addClientOptions(
    program
      .command('cancel')
      .description('Cancel an execution')
      .argument('<execution>', EXECUTION)
      .option('--reason <text>', 'shown with the execution'),
  ).action(async (execution: string, flags: ClientFlags & { reason?: string }) => {
    const { cancelCommand } = await import('./execution-commands.js');
    setExitCode(await cancelCommand(execution, flags, terminal));
  });
  addFollowOptions(
    addClientOptions(
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
      setExitCode(await rerunCommand(execution, flags, terminal));
    },
  );
}

function addSecrets(program: Command, terminal: Terminal, setExitCode: Done): void {
  const secrets = program
    .command('secrets')
    .description('List the names of secrets, set and delete them; nothing shows a value');
  addPageOptions(
    addOwnerOptions(
      addClientOptions(
        secrets.command('list', { isDefault: true }).description('Names of secrets'),
      ),
    ),
  ).action(async (flags: SecretListFlags) => {
    const { listSecrets } = await import('./secrets-command.js');
    setExitCode(await listSecrets(flags, terminal));
  });
  addRuleOptions(
    addOwnerOptions(
      addClientOptions(
        secrets
          .command('set')
          .description('Store a secret; its value is read from standard input')
          .argument('<name>', SECRET),
      ),
    ),
  ).action(async (name: string, flags: SecretRuleFlags) => {
    const { setSecret } = await import('./secrets-command.js');
    setExitCode(await setSecret(name, flags, terminal));
  });
  addRuleOptions(
    addOwnerOptions(
      addClientOptions(
        secrets
          .command('change')
          .description('Change which runs get a secret; its value stays')
          .argument('<name>', SECRET),
      ),
    ),
  ).action(async (name: string, flags: SecretRuleFlags) => {
    const { changeSecret } = await import('./secrets-command.js');
    setExitCode(await changeSecret(name, flags, terminal));
  });
  addOwnerOptions(
    addClientOptions(
      secrets.command('delete').description('Delete a secret').argument('<name>', SECRET),
    ),
  ).action(async (name: string, flags: SecretFlags) => {
    const { deleteSecret } = await import('./secrets-command.js');
    setExitCode(await deleteSecret(name, flags, terminal));
  });
  addKeys(secrets, terminal, setExitCode);
}

function addKeys(secrets: Command, terminal: Terminal, setExitCode: Done): void {
  addClientOptions(
    secrets.command('keys').description('Ids of the keys by which what is stored is encrypted'),
  ).action(async (flags: ClientFlags) => {
    const { listKeys } = await import('./key-commands.js');
    setExitCode(await listKeys(flags, terminal));
  });
  addClientOptions(
    secrets.command('rotate-key').description('Encrypt all that is stored by a new key'),
  ).action(async (flags: ClientFlags) => {
    const { rotateKey } = await import('./key-commands.js');
    setExitCode(await rotateKey(flags, terminal));
  });
  addClientOptions(
    secrets
      .command('drop-key')
      .description('Drop an encryption key that nothing uses any more')
      .argument('<key>', 'its id, as `secrets keys` shows it'),
  ).action(async (id: string, flags: ClientFlags) => {
    const { dropKey } = await import('./key-commands.js');
    setExitCode(await dropKey(id, flags, terminal));
  });
}

/** Whose secret; without any of these it is global. */
function addOwnerOptions(command: Command): Command {
  return command
    .addOption(
      new Option('-p, --pipeline <pipeline>', `of this pipeline: ${PIPELINE}`).conflicts(
        'repository',
      ),
    )
    .option('--repository <repository>', 'of this connected repository: owner/name, URL or id');
}

/** Which runs get a secret; what is not named stays as it is. */
function addRuleOptions(command: Command): Command {
  return command
    .option(
      '--events <events>',
      'only runs of these get it: push,tag; all = of every event',
      events,
    )
    .option('--protected', 'only runs of the default branch and of protected tags get it')
    .option('--no-protected', 'runs of other branches get it too');
}

/** Commander takes `null` of a parser for a missing value. */
function events(text: string): readonly string[] | 'all' {
  if (text === 'all') return text;
  const named = text.split(',').map((event) => event.trim());
  const wrong = named.find((event) => !(SECRET_EVENTS as readonly string[]).includes(event));
  if (wrong === undefined) return [...new Set(named)];
  throw new InvalidArgumentError(`They must be all, or some of ${SECRET_EVENTS.join(',')}.`);
}

/** What a trigger may say. */
function addTriggerOptions(command: Command): Command {
  return command
    .option('--branch <name>', 'branch to clone and to tell the pipeline')
    .option('--tag <name>', 'tag to clone')
    .option('--commit <sha>', 'commit to clone, 7 to 40 hex digits')
    .option('--repository <url>', "clone from here instead of the pipeline's repository")
    .option('--env <NAME=value>', 'variable of the trigger; may be repeated', nameAndValue)
    .option('--input <name=value>', 'value of an input; may be repeated', nameAndValue);
}

function addFollowOptions(command: Command): Command {
  return command
    .option('--no-follow', 'print the id of the execution and leave')
    .option('--cancel-on-interrupt', 'Ctrl-C cancels the execution; without, it continues');
}
