import { homeName } from '../../config/paths.js';

/** Of a data folder, a UUID and a number, as `ofAttempt` writes them. */
const ATTEMPT = /^millrace-[^-]+-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([1-9]\d*)$/;

/**
 * Names of groups (docs/glossary.md). The prefix separates the processes of one data folder from
 * those of others on the same host, so that a worker ends only what a dead worker of its own data
 * folder left.
 */
export class ProcessGroups {
  constructor(readonly prefix: string) {}

  /** The same for all workers that share a data folder. */
  static ofHome(home: string): ProcessGroups {
    return new ProcessGroups(`millrace-${homeName(home)}-`);
  }

  /** All that the steps of one execution attempt start. */
  ofAttempt(executionId: string, attempt: number): string {
    return `${this.prefix}${executionId}.${attempt}`;
  }

  /**
   * The attempt of a name that `ofAttempt` made, by any data folder: on an engine, workers of one
   * installation meet whose data folders differ. Undefined for any other name.
   */
  static attemptOf(
    group: string,
  ): { readonly executionId: string; readonly attempt: number } | undefined {
    const [, executionId, attempt] = ATTEMPT.exec(group) ?? [];
    return executionId === undefined ? undefined : { executionId, attempt: Number(attempt) };
  }

  /** Begins the names of the groups of scripts that this process runs beside the attempts. */
  get scriptsPrefix(): string {
    return `${this.prefix}${process.pid}-`;
  }
}
