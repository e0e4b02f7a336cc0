import { installationName } from '../../config/paths.js';

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

  /** Begins the names of the groups of scripts that this process runs beside the attempts. */
  get scriptsPrefix(): string {
    return `${this.prefix}${process.pid}-`;
  }
}
