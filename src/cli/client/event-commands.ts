import { type Command, InvalidArgumentError, Option } from 'commander';
import { FORGE_KINDS } from '../../integrations/forge/forge-event.js';
import { FORK_POLICIES } from '../../engine/triggers/fork-policy.js';
import { DELIVERY_STATUSES } from '../../triggers/deliveries/delivery-status.js';
import type { Terminal } from '../terminal/terminal.js';
import { addClientOptions, addPageOptions, type Done, PIPELINE } from './client-options.js';
import type { ApproveFlags, DeliveryListFlags, ReplayFlags } from './delivery-commands.js';
import type { PageFlags } from './list-page.js';
import type { ChangeFlags, ConnectFlags } from './repository-commands.js';
import type { ClientFlags } from './session.js';

const REPOSITORY = 'owner/name, URL or id';
const DELIVERY = 'id, beginning of an id, or last (@) for the newest';

/** Commands for what starts executions by itself: repositories, their deliveries, schedules. */
export function addEventCommands(program: Command, terminal: Terminal, setExitCode: Done): void {
  addRepositories(program, terminal, setExitCode);
  addDeliveries(program, terminal, setExitCode);
  addClientOptions(
    program
      .command('schedules')
      .description('When a pipeline starts by itself: the next five times of each rule')
      .argument('<pipeline>', PIPELINE),
  ).action(async (pipeline: string, flags: ClientFlags) => {
    const { schedulesCommand } = await import('./schedules-command.js');
    setExitCode(await schedulesCommand(pipeline, flags, terminal));
  });
}

function addRepositories(program: Command, terminal: Terminal, setExitCode: Done): void {
  const repositories = program
    .command('repositories')
    .description('Repositories whose pushes, tags and pull requests start executions');
  addPageOptions(
    addClientOptions(
      repositories.command('list', { isDefault: true }).description('Connected repositories'),
    ),
  ).action(async (flags: PageFlags) => {
    const { listRepositories } = await import('./repository-commands.js');
    setExitCode(await listRepositories(flags, terminal));
  });
  addConnect(repositories, terminal, setExitCode);
  addChange(repositories, terminal, setExitCode);
  for (const [name, description, run] of [
    ['check', 'Ask the forge what of a connection works', 'checkRepository'],
    ['disconnect', 'End a connection and remove its webhook', 'disconnectRepository'],
    ['rotate-secret', 'Make a new secret for the webhook', 'rotateSecret'],
  ] as const) {
    addClientOptions(
      repositories.command(name).description(description).argument('<repository>', REPOSITORY),
    ).action(async (repository: string, flags: ClientFlags) => {
      const commands = await import('./repository-commands.js');
      setExitCode(await commands[run](repository, flags, terminal));
    });
  }
}

function addConnect(repositories: Command, terminal: Terminal, setExitCode: Done): void {
  addClientOptions(
    repositories
      .command('connect')
      .description('Connect a repository; a token of the forge is read from standard input')
      .argument('<url>', 'address of its page: https://host/owner/name')
      .addOption(
        new Option('--forge <forge>', 'which forge runs there, if it is not a large one').choices(
          FORGE_KINDS,
        ),
      )
      .option('--api-url <url>', 'where the API of the forge is, if not at its usual place')
      .option('--remote-id <id>', 'id of the repository at the forge; needed for GitLab only')
      .addOption(forksOption())
      .addOption(protectedTagOption())
      .option('--no-forge-token', 'ask for no token: a public repository, whose webhook you paste'),
  ).action(async (url: string, flags: ConnectFlags) => {
    const { connectRepository } = await import('./repository-commands.js');
    setExitCode(await connectRepository(url, flags, terminal));
  });
}

function addChange(repositories: Command, terminal: Terminal, setExitCode: Done): void {
  addClientOptions(
    repositories
      .command('change')
      .description('Change the settings of a connection; what is not named stays')
      .argument('<repository>', REPOSITORY)
      .addOption(forksOption())
      .addOption(
        new Option(
          '--fork-approvers <ids>',
          'ids of the users who may approve them, with commas; "" for all who may approve',
        ).argParser((text) => text.split(',').filter((id) => id !== '')),
      )
      .addOption(protectedTagOption())
      .option('--no-protected-tags', 'no tag is protected any more')
      .option('--report-skipped', 'tell the forge of pipelines that a change does not need')
      .option('--no-report-skipped', 'tell it nothing of these'),
  ).action(async (repository: string, flags: ChangeFlags) => {
    const { changeRepository } = await import('./repository-commands.js');
    setExitCode(await changeRepository(repository, flags, terminal));
  });
}

function forksOption(): Option {
  const description = 'what pull requests of other repositories do';
  return new Option('--forks <policy>', description).choices(FORK_POLICIES);
}

function protectedTagOption(): Option {
  const description = 'runs of these tags get protected secrets: v*; may be repeated';
  return new Option('--protected-tag <pattern>', description).argParser(
    (pattern: string, before: readonly string[] = []) => [...before, pattern],
  );
}

function addDeliveries(program: Command, terminal: Terminal, setExitCode: Done): void {
  const deliveries = program
    .command('deliveries')
    .description('Webhooks that came in: what they started, and why not more');
  addPageOptions(
    addClientOptions(
      deliveries
        .command('list', { isDefault: true })
        .description('Deliveries, newest first')
        .option('--repository <repository>', `only of this one: ${REPOSITORY}`)
        .addOption(
          new Option('--status <status>', 'only those in this state').choices(DELIVERY_STATUSES),
        )
        .option('--event <event>', 'only of this event, as the forge names it: push'),
    ),
  ).action(async (flags: DeliveryListFlags) => {
    const { listDeliveries } = await import('./delivery-commands.js');
    setExitCode(await listDeliveries(flags, terminal));
  });
  addClientOptions(
    deliveries
      .command('show')
      .description('What a delivery started, and why not more')
      .argument('<delivery>', DELIVERY),
  ).action(async (delivery: string, flags: ClientFlags) => {
    const { showDelivery } = await import('./delivery-commands.js');
    setExitCode(await showDelivery(delivery, flags, terminal));
  });
  addClientOptions(
    deliveries
      .command('replay')
      .description('Decide a delivery once more, by the rules and definitions of now')
      .argument('<delivery>', DELIVERY)
      .option('--dry-run', 'only show what it would start'),
  ).action(async (delivery: string, flags: ReplayFlags) => {
    const { replayDelivery } = await import('./delivery-commands.js');
    setExitCode(await replayDelivery(delivery, flags, terminal));
  });
  addClientOptions(
    deliveries
      .command('approve')
      .description('Start what a pull request of another repository asks for')
      .argument('<delivery>', DELIVERY)
      .requiredOption('-p, --pipeline <pipeline>', 'as the decision names it: name, file or id')
      .requiredOption('--commit <sha>', 'the commit that you have looked at', commitId),
  ).action(async (delivery: string, flags: ApproveFlags) => {
    const { approveDelivery } = await import('./delivery-commands.js');
    setExitCode(await approveDelivery(delivery, flags, terminal));
  });
}

function commitId(text: string): string {
  if (/^[0-9a-f]{7,64}$/i.test(text)) return text;
  throw new InvalidArgumentError('It must be 7 to 64 hex digits.');
}
