import type { Command } from 'commander';
import type { Terminal } from '../terminal/terminal.js';
import type { ArtifactsFlags } from './artifacts-command.js';
import type { CacheListFlags } from './caches-command.js';
import {
  addClientOptions,
  addPageOptions,
  type Done,
  EXECUTION,
  PIPELINE,
} from './client-options.js';
import type { ClientFlags } from './session.js';

/** Commands for what executions leave behind: artifacts, reports of tests, caches. */
export function addResultCommands(program: Command, terminal: Terminal, setExitCode: Done): void {
  addPageOptions(
    addClientOptions(
      program
        .command('artifacts')
        .description('What an execution has left, or with --save: download it')
        .argument('<execution>', EXECUTION)
        .argument('[patterns...]', 'of paths to save, as "dist/**"; default: all')
        .option('--save <folder>', 'into this folder, which is new or empty'),
    ),
  ).action(async (execution: string, patterns: string[], flags: ArtifactsFlags) => {
    const { artifactsCommand } = await import('./artifacts-command.js');
    setExitCode(await artifactsCommand(execution, patterns, flags, terminal));
  });
  const tests = program.command('tests').description('What tests said');
  addClientOptions(
    tests
      .command('show', { isDefault: true })
      .description('Of one execution: counts, failures, the slowest')
      .argument('<execution>', EXECUTION),
  ).action(async (execution: string, flags: ClientFlags) => {
    const { showTests } = await import('./tests-command.js');
    setExitCode(await showTests(execution, flags, terminal));
  });
  addClientOptions(
    tests
      .command('flaky')
      .description('Tests of a pipeline that have failed and passed at the same commit')
      .argument('<pipeline>', PIPELINE),
  ).action(async (pipeline: string, flags: ClientFlags) => {
    const { flakyTests } = await import('./tests-command.js');
    setExitCode(await flakyTests(pipeline, flags, terminal));
  });
  addCaches(program, terminal, setExitCode);
}

function addCaches(program: Command, terminal: Terminal, setExitCode: Done): void {
  const caches = program.command('caches').description('List and delete what steps keep for later');
  addPageOptions(
    addClientOptions(
      caches
        .command('list', { isDefault: true })
        .description('Saved caches')
        .option('-p, --pipeline <pipeline>', `only those of this one: ${PIPELINE}`),
    ),
  ).action(async (flags: CacheListFlags) => {
    const { listCaches } = await import('./caches-command.js');
    setExitCode(await listCaches(flags, terminal));
  });
  addClientOptions(
    caches
      .command('delete')
      .description('Delete a cache; what it was for is made again')
      .argument('<cache>', 'its id, as `caches` shows it'),
  ).action(async (cache: string, flags: ClientFlags) => {
    const { deleteCache } = await import('./caches-command.js');
    setExitCode(await deleteCache(cache, flags, terminal));
  });
}
