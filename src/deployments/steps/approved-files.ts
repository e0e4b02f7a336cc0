import { createHash } from 'node:crypto';
import { finished } from 'node:stream/promises';
import { ArchiveError } from '../../common/archive/archive-error.js';
import type { PackedFile } from '../../common/archive/pack-tree.js';
import type { PackRequest, StepFiles } from '../../executions/attempt/steps/deployer.js';
import type { TargetSettings } from '../record/deployment.js';
import { deploymentReasons } from '../running/deployment-reasons.js';
import { DeployRefusedError } from '../targets/deploy-target.js';
import { RELEASE_LIMITS } from '../targets/release-limits.js';

/** Globs of what of its source is no part of a release; undefined: it has no files. */
function excludedBy(settings: TargetSettings): readonly string[] | undefined {
  switch (settings.type) {
    case 'local_directory':
      return [...settings.exclude, ...settings.shared];
    case 'local_service':
      return settings.exclude;
    case 'docker_container':
      return undefined;
  }
}

/**
 * What would be deployed of a source as it is now; undefined: its releases have no files.
 *
 * @throws DeployRefusedError, the reason of the signal
 */
export async function filesDigest(
  files: StepFiles,
  settings: TargetSettings,
  signal: AbortSignal,
): Promise<string | undefined> {
  const exclude = excludedBy(settings);
  if (exclude === undefined) return undefined;
  const digest = new FilesDigest();
  const request = { exclude, limits: RELEASE_LIMITS, onFile: () => undefined };
  try {
    await files.packed(digest.watching(request), signal, async ({ stream }) => {
      await finished(stream.resume());
    });
  } catch (error) {
    // As it would be told when it is deployed: nobody is asked about it first.
    if (!(error instanceof ArchiveError)) throw error;
    const message = `the release cannot be taken: ${error.message}`;
    throw new DeployRefusedError({ code: 'release_too_large', message });
  }
  return digest.result();
}

/** The same files, which are taken only as long as they are those of this digest. */
export function onlyApproved(files: StepFiles, expected: string): StepFiles {
  return {
    packed: async (request, signal, work) => {
      const digest = new FilesDigest();
      const done = await files.packed(digest.watching(request), signal, work);
      if (digest.result() === expected) return done;
      throw new DeployRefusedError(
        deploymentReasons.otherThanApproved('its files have changed while it waited'),
      );
    },
  };
}

/** Of what is packed: in the order of a tree, which the same tree has always. */
class FilesDigest {
  private readonly hash = createHash('sha256');

  watching(request: PackRequest): PackRequest {
    return {
      ...request,
      onFile: (file: PackedFile) => {
        const { path, mode, digest } = file;
        this.hash.update(`file\0${path}\0${mode.toString(8)} ${digest}\n`);
        request.onFile(file);
      },
      onLink: (path, target) => {
        this.hash.update(`link\0${path}\0${target}\n`);
        request.onLink?.(path, target);
      },
    };
  }

  result(): string {
    return `sha256:${this.hash.copy().digest('hex')}`;
  }
}
