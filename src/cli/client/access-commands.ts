import { type Command, InvalidArgumentError, Option } from 'commander';
import { hasName } from '../../common/values/name-record.js';
import { SCOPES } from '../../auth/policy/policy.js';
import { wholeNumber } from '../command/option-values.js';
import type { Terminal } from '../terminal/terminal.js';
import { addClientOptions, addPageOptions, type Done } from './client-options.js';
import type { PageFlags } from './list-page.js';
import type { ClientFlags } from './session.js';
import type { CreateTokenFlags, TokenFlags } from './token-commands.js';

const ACCOUNT = 'name or id';
const MAX_TOKEN_DAYS = 365;

/** Commands for tokens, and for the accounts of programs. */
export function addAccessCommands(program: Command, terminal: Terminal, setExitCode: Done): void {
  addTokens(program, terminal, setExitCode);
  addServiceAccounts(program, terminal, setExitCode);
}

function addTokens(program: Command, terminal: Terminal, setExitCode: Done): void {
  const tokens = program
    .command('tokens')
    .description('Tokens of your own, or of a service account');
  addPageOptions(
    ofAccount(
      addClientOptions(
        tokens.command('list', { isDefault: true }).description('Tokens that are good'),
      ),
    ),
  ).action(async (flags: TokenFlags & PageFlags) => {
    const { listTokens } = await import('./token-commands.js');
    setExitCode(await listTokens(flags, terminal));
  });
  ofAccount(
    addClientOptions(
      tokens
        .command('create')
        .description('Make a token; it is printed this once')
        .argument('<name>', 'for people: where it is used')
        .addOption(
          new Option('--scope <scope>', 'what it may do; may be repeated')
            .choices(Object.keys(SCOPES))
            .argParser(scopes)
            .makeOptionMandatory(),
        )
        .option('--days <number>', 'how long it is good (30)', wholeNumber(1, MAX_TOKEN_DAYS)),
    ),
  ).action(async (name: string, flags: CreateTokenFlags) => {
    const { createToken } = await import('./token-commands.js');
    setExitCode(await createToken(name, flags, terminal));
  });
  ofAccount(
    addClientOptions(
      tokens.command('revoke').description('End a token').argument('<token-id>', 'its id'),
    ),
  ).action(async (id: string, flags: TokenFlags) => {
    const { revokeToken } = await import('./token-commands.js');
    setExitCode(await revokeToken(id, flags, terminal));
  });
}

function addServiceAccounts(program: Command, terminal: Terminal, setExitCode: Done): void {
  const accounts = program.command('service-accounts').description('Accounts of programs');
  addPageOptions(
    addClientOptions(
      accounts.command('list', { isDefault: true }).description('Accounts, newest first'),
    ),
  ).action(async (flags: PageFlags) => {
    const { listServiceAccounts } = await import('./service-account-commands.js');
    setExitCode(await listServiceAccounts(flags, terminal));
  });
  addClientOptions(
    accounts
      .command('create')
      .description('Make an account for a program')
      .argument('<name>', 'small letters, digits and hyphens')
      .option('--description <text>', 'what it is for'),
  ).action(async (name: string, flags: ClientFlags & { description?: string }) => {
    const { createServiceAccount } = await import('./service-account-commands.js');
    setExitCode(await createServiceAccount(name, flags, terminal));
  });
  addClientOptions(
    accounts
      .command('delete')
      .description('Remove an account, and with it all of its tokens')
      .argument('<account>', ACCOUNT),
  ).action(async (account: string, flags: ClientFlags) => {
    const { deleteServiceAccount } = await import('./service-account-commands.js');
    setExitCode(await deleteServiceAccount(account, flags, terminal));
  });
}

function ofAccount(command: Command): Command {
  return command.option('--service-account <account>', `of this one: ${ACCOUNT}`);
}

function scopes(text: string, before: readonly string[] = []): readonly string[] {
  if (hasName(SCOPES, text)) return before.includes(text) ? before : [...before, text];
  throw new InvalidArgumentError(`It must be one of: ${Object.keys(SCOPES).join(', ')}.`);
}
