import type { Role } from '../auth/policy/policy.js';

/** A person, as the environment was given them. */
export interface NamedUser {
  /** Of the account: names are given to others. */
  readonly id: string;
  readonly login: string;
}

/** Some of those who have accounts; neither a user nor a role: nobody. */
export interface People {
  readonly users: readonly NamedUser[];
  readonly roles: readonly Role[];
}

/** What holds for all that is put into service in an environment. */
export interface EnvironmentRules {
  /** Who may deploy, promote and roll back; null: all who may at all. */
  readonly deployers: People | null;
  /** Who may approve. */
  readonly approvers: People;
  /** Approvals of different people that a deployment needs; 0: none. */
  readonly required: number;
  /** Seconds from when a deployment was asked for until it may begin. */
  readonly wait: number;
  /** Patterns of branches that may be deployed; null: all, and what is of no branch. */
  readonly branches: readonly string[] | null;
  /** Whoever caused a deployment, or wrote what is in it, may approve it too. */
  readonly allow_self: boolean;
}

/** An environment that somebody has configured. */
export interface Environment extends EnvironmentRules {
  /** Its name. */
  readonly _id: string;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly updated_by: string;
}

export const NOBODY: People = { users: [], roles: [] };

/** Of an environment that nobody has configured. */
export const NO_LIMITS: EnvironmentRules = {
  ...{ deployers: null, approvers: NOBODY, required: 0, wait: 0 },
  ...{ branches: null, allow_self: false },
};

/** There always, configured or not. */
export const DEFAULT_ENVIRONMENT = 'default';
