import { repositorySupport } from '../common/values/repository-url.js';
import { readEnvironment } from '../config/environment.js';
import { compileYaml } from '../engine/compiler/compile-yaml.js';
import type { Problem } from '../engine/yaml/problem.js';
import { readSource } from './command/read-source.js';
import { countErrors, printProblems } from './terminal/problem-list.js';
import type { Terminal } from './terminal/terminal.js';

/** 0: no errors (warnings are shown), 1: a file has errors. */
export async function lintCommand(
  files: readonly string[],
  flags: { readonly json?: boolean },
  terminal: Terminal,
): Promise<number> {
  const repositories = repositorySupport({
    // The rest of the configuration need not be valid to check a file.
    gitClient: readEnvironment()['GIT_CLIENT'] ?? '',
  });
  const reports: { file: string; problems: readonly Problem[] }[] = [];
  for (const file of files) {
    reports.push({ file, problems: compileYaml(await readSource(file), repositories).problems });
  }
  if (flags.json) terminal.printWhole(JSON.stringify(reports, null, 2));
  else for (const report of reports) show(report.file, report.problems, terminal);
  const failed = reports.some(({ problems }) => problems.some(isError));
  return failed ? 1 : 0;
}

function show(file: string, problems: readonly Problem[], terminal: Terminal): void {
  printProblems(file, problems, (line) => terminal.print(line), terminal);
  const verdict = problems.some(isError) ? countErrors(problems) : terminal.paint('green', 'ok');
  terminal.print(`${file}: ${verdict}`);
}

function isError({ severity }: Problem): boolean {
  return severity === 'error';
}
