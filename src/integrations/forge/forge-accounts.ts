import type { LoginForge } from '../../config/login-values.js';

/** What a forge gives for the code of a log-in. */
export interface ForgeTokens {
  readonly access: string;
  /** Null: the access token does not expire. */
  readonly refresh: string | null;
}

/** An account, as its forge tells of it. */
export interface ForgeAccount {
  /** Numeric; stays when the account is renamed. */
  readonly id: string;
  readonly login: string;
  readonly name: string | null;
}

/** An organization or a team that the account is an active member of. */
export interface ForgeGroup {
  readonly id: string;
  /** In lower case; of a team `organization/team`. */
  readonly name: string;
}

/**
 * Port: what a forge says of the account whose access token is asked with. Every method rejects
 * with a `ForgeError` within 20 s a page, and reads all pages or rejects.
 */
export abstract class ForgeAccounts {
  /** Host of the forge; undefined: people cannot log in there. */
  abstract hostOf(forge: LoginForge): string | undefined;
  abstract account(forge: LoginForge, access: string): Promise<ForgeAccount>;
  abstract organizations(forge: LoginForge, access: string): Promise<readonly ForgeGroup[]>;
  abstract teams(forge: LoginForge, access: string): Promise<readonly ForgeGroup[]>;
  /** Whether the account is an active member of one of its teams. */
  abstract isActiveInTeam(
    forge: LoginForge,
    access: string,
    account: ForgeAccount,
    team: ForgeGroup,
  ): Promise<boolean>;
  /** New tokens for a refresh token of the forge. */
  abstract renew(forge: LoginForge, refresh: string): Promise<ForgeTokens>;
}
