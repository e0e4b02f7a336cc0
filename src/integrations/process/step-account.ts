/** A user of the system that steps run as. */
export interface StepUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Whom the steps of this process run as. */
export class StepAccount {
  /** @param user undefined: the user of this process */
  constructor(readonly user: StepUser | undefined) {}

  /** True: steps cannot change files of this process, whichever folder these are in. */
  get isOtherUser(): boolean {
    return this.user !== undefined && this.user.uid !== process.getuid?.();
  }
}
