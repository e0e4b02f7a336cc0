import { join } from 'node:path';
import { Injectable, Logger } from '@nestjs/common';
import type { ForgeEvent } from '../../integrations/forge/forge-event.js';
import { type ChangesRequest, GitClient, GitError } from '../../integrations/git/git-client.js';
import { ScratchFolders } from '../../common/scratch/scratch-folders.js';

const LIMIT_MS = 60_000;

/** Files that an event changed, or why nobody can tell. */
export type ChangedFilesAnswer = readonly string[] | { readonly unknown: string };

/** Asks the repository which files an event changed, where its payload does not say so. */
@Injectable()
export class ChangedFiles {
  private readonly logger = new Logger(ChangedFiles.name);

  constructor(
    private readonly git: GitClient,
    private readonly scratch: ScratchFolders,
  ) {}

  /**
   * Of a push what it moved the branch over, of a pull request what it does since it has left its
   * base.
   * @param url may hold credentials
   */
  async of(url: string, event: ForgeEvent): Promise<ChangedFilesAnswer> {
    if (event.changedPaths !== 'unknown') return event.changedPaths;
    const ends = endsOf(event);
    if (typeof ends === 'string') return { unknown: ends };
    const signal = AbortSignal.timeout(LIMIT_MS);
    try {
      return await this.scratch.use((folder) => {
        const request = { url, directory: join(folder, 'git'), ...ends };
        return this.git.changedPaths(request, { signal });
      });
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      this.logger.debug({ err: error }, 'the changed files are not known');
      const why = signal.aborted ? `it took longer than ${LIMIT_MS / 1000} s` : error.message;
      return { unknown: why };
    }
  }
}

type Ends = Pick<ChangesRequest, 'base' | 'head' | 'fromMergeBase'>;

/** Between which commits an event is; a text: why there are no two. */
function endsOf({ kind, before, commit: head, base }: ForgeEvent): Ends | string {
  if (kind === 'tag') return 'a tag changes no files';
  if (head === null) return 'there is no commit';
  if (kind === 'push') {
    if (before === null) return 'the branch is new';
    return { base: before, head, fromMergeBase: false };
  }
  const commit = base?.commit ?? null;
  if (commit === null) return 'the commit of the base branch is not known';
  return { base: commit, head, fromMergeBase: true };
}
