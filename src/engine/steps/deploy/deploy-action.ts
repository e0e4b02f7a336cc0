import type { StepAction } from '../../plan/plan.js';

export const DEPLOY_KIND = 'deploy';

/** What such a step sets by itself, beside what its `outputs` name. */
export const DEPLOY_OUTPUTS = ['deployment', 'release'] as const;

export const DEPLOYMENT_TYPES = ['local_directory'] as const;
export type DeploymentType = (typeof DEPLOYMENT_TYPES)[number];

/** Releases that have served and are kept, the one that serves among them. */
export const DEFAULT_KEEP = 5;

/** Another host, reached by SSH. No text of it is a template: it says where a key goes. */
export interface DeploySsh {
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
  readonly user: string;
  /** Name of a secret: a private key. */
  readonly key: string;
  /** Name of a secret with lines of `known_hosts`, or the lines. */
  readonly knownHosts: { readonly secret: string } | { readonly text: string };
}

/** In plans: puts what was built into service. Texts are templates, but where it says otherwise. */
export interface DeployAction extends StepAction {
  readonly kind: typeof DEPLOY_KIND;
  readonly type: DeploymentType;
  readonly service: string;
  readonly environment: string;
  /**
   * Folder of the host for the releases; a relative one lies in the first of DEPLOY_FOLDERS. Of
   * another host it is whole.
   */
  readonly path: string;
  /** Absent = this host. */
  readonly ssh?: DeploySsh;
  /** Folder of the workspace; `.` = all of it. */
  readonly source: string;
  /** Globs of what of `source` is no part of a release; no templates. */
  readonly exclude?: readonly string[];
  readonly keep: number;
  /** Folders that all releases have in common; no templates. */
  readonly shared?: readonly string[];
  /** Permission bits of files and folders; absent = as the step left them, but readable. */
  readonly permissions?: { readonly files?: number; readonly folders?: number };
  /** An execution that is older than the one that serves may deploy. */
  readonly allowOlder?: true;
}
