import { installationName } from '../../config/paths.js';

/** Of a UUID and a number, as `ofAttempt` writes them. */
const ATTEMPT = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([1-9]\d*)$/;

/**
 * Names of groups (docs/glossary.md). The prefix separates the processes of one installation from
 * those of others on the same host, so that a worker ends only what a dead worker of its own
 * installation left.
 */
export class ProcessGroups {
  constructor(readonly prefix: string) {}

  /** The same for all workers that share a data folder. */
  static ofInstallation(home: string): ProcessGroups {
    return new ProcessGroups(`millrace-${installationName(home)}-`);
  }

  /** All that the steps of one execution attempt start. */
  ofAttempt(executionId: string, attempt: number): string {
    return `${this.prefix}${executionId}.${attempt}`;
  }

  /** The attempt of a name that `ofAttempt` made; undefined for any other. */
  attemptOf(group: string): { readonly executionId: string; readonly attempt: number } | undefined {
    if (!group.startsWith(this.prefix)) return undefined;
    const [, executionId, attempt] = ATTEMPT.exec(group.slice(this.prefix.length)) ?? [];
    return executionId === undefined ? undefined : { executionId, attempt: Number(attempt) };
  }

  /** Begins the names of the groups of scripts that this process runs beside the attempts. */
  get scriptsPrefix(): string {
    return `${this.prefix}${process.pid}-`;
  }
}
