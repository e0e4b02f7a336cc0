import { readdir, readFile } from 'node:fs/promises';

/** Command lines of the processes whose environment names one of the executions. */
export async function leftProcesses(executionIds: ReadonlySet<string>): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => commandOf(pid, executionIds)));
  return found.filter((command) => command !== undefined);
}

async function commandOf(
  pid: string,
  executionIds: ReadonlySet<string>,
): Promise<string | undefined> {
  try {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1');
    const id = /(?:^|\0)CI_EXECUTION_ID=([^\0]*)/.exec(environment)?.[1];
    if (id === undefined || !executionIds.has(id)) return undefined;
    const command = await readFile(`/proc/${pid}/cmdline`, 'latin1');
    return `${pid}: ${command.replaceAll('\0', ' ')}`;
  } catch (error) {
    // Gone meanwhile, or another user's.
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(code)) return undefined;
    throw error;
  }
}
