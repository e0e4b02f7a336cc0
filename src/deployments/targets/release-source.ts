import type { PackedFile, PackedTree, PackLimits } from '../../common/archive/pack-tree.js';

export interface SourceRequest {
  /** Globs of what is no part of the release. */
  readonly exclude: readonly string[];
  readonly limits: PackLimits;
  readonly onFile: (file: PackedFile) => void;
}

/** What a release is made of: files that a step has left. */
export interface ReleaseSource {
  /**
   * Packs the files, and hands them on.
   * @throws DeployRefusedError: they are not there, or not inside the workspace
   */
  packed<T>(
    request: SourceRequest,
    signal: AbortSignal,
    work: (tree: PackedTree) => Promise<T>,
  ): Promise<T>;
}
