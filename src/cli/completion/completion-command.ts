import type { Command } from 'commander';
import { readClientEnvironment } from '../../config/client-environment.js';
import { ConfigError } from '../../config/config-error.js';
import { ApiClient } from '../api/api-client.js';
import { resolveConnection } from '../api/connection.js';
import { LoginStore } from '../api/login-store.js';
import {
  deliverySummary,
  executionSummary,
  page,
  pipelineSummary,
  repository,
  serviceAccount,
} from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
import { bashScript } from './bash-script.js';
import { commandShapesOf, type NameKind } from './command-shape.js';
import { fishScript } from './fish-script.js';
import { zshScript } from './zsh-script.js';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };
export type Shell = keyof typeof SCRIPTS;

/** Whoever pressed a key does not wait longer. */
const NAMES_TIMEOUT_MS = 1_500;
const MAX_NAMES = 200;
const MAX_NEWEST = 20;

/** Prints the completion of a program for a shell. */
export function completionCommand(shell: Shell, program: Command, terminal: Terminal): number {
  terminal.write(SCRIPTS[shell](commandShapesOf(program)));
  return exitCodes.success;
}

/**
 * Prints what the server knows, one a line as `word TAB description`: for completion, so once,
 * quickly, and silently when there is no server or no token.
 */
export async function namesCommand(kind: NameKind, terminal: Terminal): Promise<number> {
  try {
    const environment = readClientEnvironment();
    const store = new LoginStore(environment.configFolder);
    const { url, token } = resolveConnection({}, environment, store);
    const budget = { retryDelaysMs: [], timeoutMs: NAMES_TIMEOUT_MS };
    const api = new ApiClient(url, token, budget);
    for (const [word, description] of await NAMES[kind](api)) {
      terminal.print(`${cleanText(word)}\t${cleanText(description)}`);
    }
    return exitCodes.success;
  } catch (error) {
    if (error instanceof CommandError) return error.exitCode;
    if (error instanceof ConfigError) return exitCodes.usage;
    throw error;
  }
}

const NAMES: Readonly<Record<NameKind, (api: ApiClient) => Promise<Name[]>>> = {
  pipeline: pipelineNames,
  execution: executionNames,
  repository: repositoryNames,
  delivery: deliveryNames,
  account: accountNames,
};

type Name = readonly [word: string, description: string];

/** Names where they are the only ones of their kind, else ids. */
async function pipelineNames(api: ApiClient): Promise<Name[]> {
  const path = `/api/ci/pipelines?limit=${MAX_NAMES}`;
  const { items } = await api.get(path, page(pipelineSummary, MAX_NAMES));
  const seen = new Map<string, number>();
  for (const { name } of items) seen.set(name, (seen.get(name) ?? 0) + 1);
  return items.map(({ id, name, description }) =>
    seen.get(name) === 1 ? [name, description ?? id] : [id, name],
  );
}

async function executionNames(api: ApiClient): Promise<Name[]> {
  const path = `/api/ci/executions?limit=${MAX_NEWEST}`;
  const { items } = await api.get(path, page(executionSummary, MAX_NEWEST));
  const ids = items.map(({ id, pipeline_name, status }): Name => [
    id,
    `${pipeline_name} ${status}`,
  ]);
  return withNewest(ids);
}

async function repositoryNames(api: ApiClient): Promise<Name[]> {
  const path = `/api/repositories?limit=${MAX_NAMES}`;
  const { items } = await api.get(path, page(repository, MAX_NAMES));
  return items.map(({ full_name, url }) => [full_name, url]);
}

async function deliveryNames(api: ApiClient): Promise<Name[]> {
  const path = `/api/ci/deliveries?limit=${MAX_NEWEST}`;
  const { items } = await api.get(path, page(deliverySummary, MAX_NEWEST));
  const ids = items.map(({ id, event, status, repository_name: name }): Name => [
    id,
    `${event} ${status} ${name ?? ''}`.trimEnd(),
  ]);
  return withNewest(ids);
}

async function accountNames(api: ApiClient): Promise<Name[]> {
  const path = `/api/service-accounts?limit=${MAX_NAMES}`;
  const { items } = await api.get(path, page(serviceAccount, MAX_NAMES));
  return items.map(({ name, description }) => [name, description]);
}

function withNewest(names: readonly Name[]): Name[] {
  return names.length === 0 ? [] : [['last', 'the newest'], ...names];
}
