/** What a file says. */
export interface FileHint {
  readonly value: string;
  /** Where, for people: `api/Dockerfile:7`. */
  readonly from: string;
}

export type FoundDockerfile =
  | {
      readonly kind: 'found';
      /** In the folder that was asked about. */
      readonly name: string;
      /** TCP port; absent: it names none, several, or one that is computed. */
      readonly port?: FileHint;
      /** Path by which a healthy instance can surely be told; absent: none is sure. */
      readonly healthPath?: FileHint;
    }
  | { readonly kind: 'unknown'; readonly why: string };

export type FoundFolder =
  | {
      readonly kind: 'found';
      /** Below the root; `.` = the root. */
      readonly folder: string;
      /** As of a `FileHint`. */
      readonly from: string;
    }
  /** No file says it, or several say different things; `why` names what it may be. */
  | { readonly kind: 'unknown'; readonly why: string };

/**
 * Port: what the files of a folder say of how it is deployed. Nothing is run, nothing is guessed:
 * `unknown` also where the files cannot be read within the limits, or the signal aborts.
 */
export abstract class DeployHints {
  /**
   * The Dockerfile of a folder.
   *
   * @param root absolute, which no stranger can exchange
   * @param folder below it; '' = all of it
   */
  abstract dockerfile(root: string, folder: string, signal: AbortSignal): Promise<FoundDockerfile>;
  /** The folder below a root in which the files of a site are finished. */
  abstract output(root: string, signal: AbortSignal): Promise<FoundFolder>;
}

/** Where nothing is deployed, nothing is looked for. */
export class NoDeployHints extends DeployHints {
  dockerfile(): Promise<FoundDockerfile> {
    return Promise.resolve({ kind: 'unknown', why: 'only a server looks for it' });
  }

  output(): Promise<FoundFolder> {
    return Promise.resolve({ kind: 'unknown', why: 'only a server looks for it' });
  }
}
