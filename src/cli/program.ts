import { Argument, Command, CommanderError, Option } from 'commander';
import { readEnvironment } from '../config/environment.js';
import { ConfigError } from '../config/load-config.js';
import { packageVersion } from '../config/paths.js';
import { PROJECT_TYPES } from '../detection/candidate.js';
import { PREVIEW_EVENTS } from '../engine/preview/preview-events.js';
import { EmbeddedError } from '../embedded/system/embedded.error.js';
import { addClientOptions } from './client/client-options.js';
import { addClientCommands } from './client/client-commands.js';
import { CommandError, errorShapeOf } from './command/command.error.js';
import { EXIT_CODE_HELP, exitCodes } from './command/exit-codes.js';
import type { RunFlags, ServerFlags } from './command/flags.js';
import { nameAndValue, oneMore } from './command/option-values.js';
import { fitHelp } from './command/help-style.js';
import { tellUsageErrors } from './command/usage-errors.js';
import type { DetectFlags } from './detect/detect-command.js';
import { type NameKind, NAME_KINDS } from './completion/command-shape.js';
import type { Shell } from './completion/completion-command.js';
import { cleanJson, cleanLines, cleanText } from './terminal/clean-text.js';
import { Terminal } from './terminal/terminal.js';

/** Runs one command line; resolves with the exit code of the process. */
export async function runProgram(
  argv: readonly string[],
  terminal: Terminal = new Terminal(),
): Promise<number> {
  let exitCode = 0;
  const program = describeProgram(terminal, (code) => (exitCode = code));
  try {
    await program.parseAsync([...argv]);
    return exitCode;
  } catch (error) {
    return exitCodeOf(error, terminal, isJsonAsked(program));
  }
}

/** How the command that ran was asked to speak: no other one has read its options. */
function isJsonAsked(command: Command): boolean {
  return command.opts<{ json?: boolean }>().json === true || command.commands.some(isJsonAsked);
}

function exitCodeOf(error: unknown, terminal: Terminal, json: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
  if (error instanceof ConfigError) {
    return exitCodeOf(new CommandError(error.message, exitCodes.usage), terminal, json);
  }
  if (error instanceof CommandError) {
    if (json) terminal.sayWhole(cleanJson(JSON.stringify(errorShapeOf(error))));
    else showError(error, terminal);
    return error.exitCode;
  }
  if (error instanceof EmbeddedError) {
    terminal.say(`millrace: ${error.message}. ${error.advice}`);
    return error.code === 'home_unreachable' ? exitCodes.usage : exitCodes.failed;
  }
  terminal.say(`millrace: ${cleanLines(error instanceof Error ? error.message : String(error))}`);
  if (error instanceof Error && readEnvironment()[STACK_VARIABLE]) {
    terminal.say(cleanLines(error.stack ?? ''));
  }
  return exitCodes.failed;
}

/** With any value, an error that nobody foresaw is told with its place in the program. */
const STACK_VARIABLE = 'MILLRACE_STACK';

/** What is wrong, then what to do, a line each. */
function showError({ message, suggestions }: CommandError, terminal: Terminal): void {
  terminal.say(`millrace: ${message.split('\n').map(cleanText).join('\n')}`);
  for (const suggestion of suggestions) terminal.say(`  ${cleanText(suggestion)}`);
}

/**
 * Commands load what they need when they run: `--help` and `lint` must not wait for a database
 * driver.
 */
export function describeProgram(
  terminal: Terminal,
  setExitCode: (exitCode: number) => void,
): Command {
  const program = new Command('millrace')
    .description('Self-hosted CI/CD: pipelines in YAML, run on workers, with live logs.')
    .version(packageVersion())
    .addHelpText(
      'after',
      `\n\`./millrace test\` installs what is missing and runs every test.\n\n${EXIT_CODE_HELP}\nDocumentation: README.md and docs/.`,
    );

  addServerOptions(
    program
      .command('start')
      .description('Start everything: stores (embedded unless given), API, workers')
      .option('--no-example', 'do not run the example pipeline at the first start')
      .option('--logs', 'print every log line here too, as JSON'),
  ).action(async (flags: ServerFlags & { example: boolean; logs?: boolean }) => {
    const { startCommand } = await import('./start/start-command.js');
    setExitCode(await startCommand({ ...flags, api: true }, terminal));
  });

  addWorkerOptions(
    program
      .command('worker')
      .description('Start workers only; MONGODB_URI and REDIS_URL say for which server')
      .option('--logs', 'print every log line here too, as JSON'),
  ).action(async (flags: ServerFlags & { logs?: boolean }) => {
    const { startCommand } = await import('./start/start-command.js');
    setExitCode(await startCommand({ ...flags, api: false, example: false }, terminal));
  });

  program
    .command('run')
    .description('Run a pipeline here and now, without a server; the exit code is the result')
    .argument('[file]', 'pipeline YAML, - for standard input', '.millrace.yml')
    .option('--dir <folder>', 'begin with what git does not ignore in this folder')
    .option('--no-dir', 'begin with what the pipeline clones, or nothing')
    .option('--stage <name>', 'only this stage and what it needs; may be repeated', oneMore)
    .option('--step <name>', 'only this step and what it needs; may be repeated', oneMore)
    .option('--no-needs', 'with --stage and --step: without what they need')
    .addOption(new Option('--event <event>', 'what happened').choices(PREVIEW_EVENTS))
    .option('--env <NAME=value>', 'variable of the trigger; may be repeated', nameAndValue)
    .option('--env-file <file>', 'variables of the trigger: lines of NAME=value')
    .option(
      '--input <name=value>',
      'value of an input of the pipeline; may be repeated',
      nameAndValue,
    )
    .option('--branch <name>', 'branch to clone and to tell the pipeline')
    .option('--tag <name>', 'tag to clone and to tell the pipeline')
    .option('--secrets-file <file>', 'secrets of the pipeline: lines of NAME=value')
    .option('--inherit-path', 'steps find the programs of your own PATH')
    .option('--keep', 'keep the workspace; print its path and what opens a shell there')
    .option('--shell-on-failure', 'open a shell where the first step failed')
    .option(
      '--no-containers',
      'use no container engine; name what cannot run then, and run nothing',
    )
    .option('--artifacts <folder>', 'save the artifacts of the steps below this folder')
    .option('--approve', 'approve every step that waits for an approval, without asking')
    .action(async (file: string, flags: RunFlags) => {
      const { runCommand } = await import('./run/run-command.js');
      setExitCode(await runCommand(file, flags, terminal));
    });

  program
    .command('lint')
    .description('Show every problem of pipeline files')
    .argument('<files...>', 'pipeline YAML, - for standard input')
    .option('--json', 'machine-readable')
    .action(async (files: string[], flags: { json?: boolean }) => {
      const { lintCommand } = await import('./lint-command.js');
      setExitCode(await lintCommand(files, flags, terminal));
    });

  const detect = program
    .command('detect')
    .description('Say what kind of project a folder holds, how it is built and started, and why')
    .argument('[folder]', 'folder of the project', '.')
    .addOption(
      new Option('--type <type>', 'what it is, whatever the files say').choices(PROJECT_TYPES),
    )
    .option('--repository <url>', 'ask a server about a repository, which a worker of it clones')
    .option('--branch <name>', 'of the repository')
    .option('--tag <name>', 'of the repository')
    .option('--commit <sha>', 'of the repository')
    .option('--path <folder>', 'of the repository');
  addClientOptions(detect).action(async (folder: string, flags: DetectFlags) => {
    const { detectCommand } = await import('./detect/detect-command.js');
    setExitCode(await detectCommand(folder, flags, terminal));
  });

  addClientCommands(program, terminal, setExitCode);

  // Beside what the server says of services; these are of the host itself.
  const services = program.commands.find((command) => command.name() === 'services');
  services
    ?.command('stop-proxy')
    .description('End the reverse proxy of this host, once its workers are stopped')
    .option('--home <folder>', 'folder of all data (MILLRACE_HOME)')
    .action(async (flags: { home?: string }) => {
      const { stopProxyCommand } = await import('./services/stop-proxy-command.js');
      setExitCode(await stopProxyCommand(flags, terminal));
    });
  services
    ?.command('run')
    .description(
      'Supervise the programs that were deployed on this host; when it ends, they run on',
    )
    .option('--home <folder>', 'folder of all data (MILLRACE_HOME)')
    .action(async (flags: { home?: string }) => {
      const { servicesRunCommand } = await import('./services/services-run-command.js');
      setExitCode(await servicesRunCommand(flags, terminal));
    });
  services
    ?.command('keep')
    .description(
      'For a container: keep `services run` running; when it ends, the proxy and the programs end in order',
    )
    .option('--home <folder>', 'folder of all data (MILLRACE_HOME)')
    .action(async (flags: { home?: string }) => {
      const { servicesKeepCommand } = await import('./services/services-keep-command.js');
      setExitCode(await servicesKeepCommand(flags, terminal));
    });

  addServerOptions(
    program
      .command('config')
      .description('Print the effective configuration, secrets masked')
      .option('--example', 'print .env.example instead: every variable with its description'),
  ).action(async (flags: ServerFlags & { example?: boolean }) => {
    const { configCommand } = await import('./config-command.js');
    setExitCode(configCommand(flags, terminal));
  });

  program
    .command('completion')
    .description('Print the completion of commands, options and names for a shell')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: Shell) => {
      const { completionCommand } = await import('./completion/completion-command.js');
      setExitCode(completionCommand(shell, program, terminal));
    });

  program
    .command('complete-names', { hidden: true })
    .addArgument(new Argument('<kind>').choices(NAME_KINDS))
    .action(async (kind: NameKind) => {
      const { namesCommand } = await import('./completion/completion-command.js');
      setExitCode(await namesCommand(kind, terminal));
    });

  program
    .command('schema')
    .description('Print the JSON Schema of pipeline files, by which editors complete and check')
    .option('--write <file>', 'write it there instead')
    .action(async (flags: { write?: string }) => {
      const { schemaCommand } = await import('./schema-command.js');
      setExitCode(await schemaCommand(flags, terminal));
    });

  program
    .command('openapi')
    .description('Print the OpenAPI document')
    .option('--write <file>', 'write it there instead')
    .action(async (flags: { write?: string }) => {
      const { openApiCommand } = await import('./openapi-command.js');
      setExitCode(await openApiCommand(flags, terminal));
    });

  tellUsageErrors(program);
  fitHelp(program);
  return program;
}

function addServerOptions(command: Command): Command {
  return addWorkerOptions(
    command
      .option('--port <number>', 'TCP port of the API (PORT)')
      .option('--host <address>', 'address of the API (HOST)'),
  );
}

function addWorkerOptions(command: Command): Command {
  return command
    .option('--home <folder>', 'folder of all data (MILLRACE_HOME)')
    .option('--workers <number>', 'worker processes (WORKERS)')
    .option('--concurrency <number>', 'executions of one worker at once (WORKER_CONCURRENCY)')
    .option('--labels <list>', 'labels of the workers (WORKER_LABELS)');
}
