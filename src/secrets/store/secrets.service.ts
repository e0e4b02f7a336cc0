import { Injectable, Logger } from '@nestjs/common';
import { MillraceError, notFound, validationError } from '../../common/errors/millrace.error.js';
import type { Page, PageRequest } from '../../common/http/paging.js';
import { nameRecord, type NameRecord } from '../../common/values/name-record.js';
import { BrokenSealError, Keyring, MissingKeyError } from '../encryption/keyring.js';
import type { SecretDocument } from './secret.schema.js';
import { EVERYBODY, secretId, type SecretOwner } from './secret-owner.js';
import { SecretOwners } from './secret-owners.js';
import {
  rulesOf,
  type SecretRules,
  type SecretRun,
  whyWithheld,
  type WithheldSecret,
} from './secret-rules.js';
import { secretNameProblem, type SecretProblem, secretValueProblem } from './secret-value.js';
import type { TakenSecret } from './taken-secret.js';
import { type SecretFilter, SecretsRepository, type SecretSummary } from './secrets.repository.js';

/** Whose secrets a run may use (absent: it has no such owner), and what it is. */
export interface SecretReader extends SecretRun {
  readonly pipelineId?: string;
  readonly repositoryId?: string;
}

/** Why a secret that a run names cannot be given to it. */
export type SecretRefusal =
  | { readonly kind: 'missing'; readonly names: readonly string[] }
  /** They are there, but none of a name is for such a run. */
  | {
      readonly kind: 'withheld';
      readonly secrets: readonly WithheldSecret[];
      readonly run: SecretRun;
    }
  /** `keyId`: the missing key that it was sealed with; absent: it was changed in the database. */
  | { readonly kind: 'unreadable'; readonly name: string; readonly keyId?: string };

/** Whose secrets a run may use. */
export type SecretUser = Pick<SecretReader, 'pipelineId' | 'repositoryId'>;

export type ResolvedSecrets =
  | {
      readonly kind: 'values';
      readonly values: NameRecord<string>;
      /** Which ones they are, in the order of the names. */
      readonly taken: readonly TakenSecret[];
    }
  | SecretRefusal;

/** However long the database is away: a run that has begun waits for it. */
const NO_DEADLINE = { deadlineMs: Infinity };
/** A request, or a rollback, does not. */
const SOON = { deadlineMs: 5_000 };

/** The store of secrets: values go in, and come out only where a run begins. */
@Injectable()
export class SecretsService {
  private readonly logger = new Logger(SecretsService.name);

  constructor(
    private readonly secrets: SecretsRepository,
    private readonly owners: SecretOwners,
    private readonly keyring: Keyring,
  ) {}

  /**
   * Makes the secret, or replaces its value. Rules that are absent stay as they are; of a new
   * secret there are none.
   * @throws MillraceError ValidationError (never with anything of the value), NotFoundError
   */
  async set(
    owner: SecretOwner,
    name: string,
    value: string,
    rules: Partial<SecretRules>,
    actor: string,
  ): Promise<SecretSummary> {
    const problem = secretNameProblem(name) ?? secretValueProblem(name, value);
    if (problem) throw invalid(problem);
    await this.owners.mustExist(owner);
    const id = secretId(owner, name);
    const now = new Date();
    const stored = await this.secrets.put({
      _id: id,
      scope: owner.scope,
      owner_id: owner.scope === 'global' ? null : owner.id,
      name,
      value: this.keyring.seal(value, secretContext(id)),
      ...rules,
      created_by: actor,
      created_at: now,
      updated_by: actor,
      updated_at: now,
    });
    this.logger.log({ secret: id, by: actor }, 'secret set');
    return stored;
  }

  /**
   * Changes which runs get the secret, and not its value.
   * @throws MillraceError ValidationError, NotFoundError
   */
  async change(
    owner: SecretOwner,
    name: string,
    rules: Partial<SecretRules>,
    actor: string,
  ): Promise<SecretSummary> {
    const problem = secretNameProblem(name);
    if (problem) throw invalid(problem);
    if (rules.events === undefined && rules.protected === undefined) throw nothingToChange();
    const id = secretId(owner, name);
    const changed = await this.secrets.change(id, rules);
    if (!changed) throw noSecret(name);
    this.logger.log({ secret: id, by: actor }, 'rules of a secret changed');
    return changed;
  }

  async list(filter: SecretFilter, page: PageRequest): Promise<Page<SecretSummary>> {
    return this.secrets.list(filter, page);
  }

  /** @throws MillraceError ValidationError, NotFoundError */
  async delete(owner: SecretOwner, name: string, actor: string): Promise<void> {
    const problem = secretNameProblem(name);
    if (problem) throw invalid(problem);
    const id = secretId(owner, name);
    if (!(await this.secrets.delete(id))) throw noSecret(name);
    this.logger.log({ secret: id, by: actor }, 'secret deleted');
  }

  /** With its owner all of its secrets go. */
  async deleteOf(owner: Exclude<SecretOwner, { scope: 'global' }>): Promise<void> {
    await this.secrets.deleteOf(owner);
  }

  /**
   * The values of these names for a run, of each the narrowest that is for such a run: pipeline,
   * then repository, then global. All of them, or why not. Waits for a database that is away.
   */
  async resolve(names: readonly string[], reader: SecretReader): Promise<ResolvedSecrets> {
    return this.resolveWithin(names, reader, NO_DEADLINE);
  }

  /**
   * The same for what no pipeline asks for: of each name the global one. Rejects when the database
   * is away for 5 s.
   */
  async resolveGlobal(names: readonly string[], run: SecretRun): Promise<ResolvedSecrets> {
    const resolved = await this.resolveWithin(names, run, SOON);
    if (resolved.kind !== 'values') return resolved;
    return { ...resolved, taken: resolved.taken.map((one) => ({ ...one, only_global: true })) };
  }

  private async resolveWithin(
    names: readonly string[],
    { pipelineId, repositoryId, ...run }: SecretReader,
    patience: typeof SOON,
  ): Promise<ResolvedSecrets> {
    if (names.length === 0) return { kind: 'values', values: nameRecord([]), taken: [] };
    const found = await this.stored(names, { pipelineId, repositoryId }, patience);
    const missing: string[] = [];
    const withheld: WithheldSecret[] = [];
    const values = new Map<string, string>();
    const taken: TakenSecret[] = [];
    for (const [name, stored] of found) {
      const secret = stored.find((each) => whyWithheld(rulesOf(each), run) === undefined);
      if (!secret) {
        if (stored.length === 0) missing.push(name);
        withheld.push(...stored.flatMap((each) => withheldFrom(run, each)));
        continue;
      }
      try {
        values.set(name, this.keyring.open(secret.value, secretContext(secret._id)));
        taken.push(takenOf(secret, stored));
      } catch (error) {
        if (error instanceof MissingKeyError) {
          return { kind: 'unreadable', name, keyId: error.keyId };
        }
        if (error instanceof BrokenSealError) return { kind: 'unreadable', name };
        throw error;
      }
    }
    if (missing.length > 0) return { kind: 'missing', names: missing };
    if (withheld.length > 0) return { kind: 'withheld', secrets: withheld, run };
    return { kind: 'values', values: nameRecord(values), taken };
  }

  /**
   * Those of these names that have been given another value since a moment, or are there no more.
   * No value is opened. Rejects when the database is away for 5 s.
   */
  async changedSince(
    names: readonly string[],
    user: SecretUser,
    at: Date,
  ): Promise<readonly string[]> {
    const found = await this.stored(names, user, SOON);
    return names.filter((name) => {
      const [given] = found.get(name) ?? [];
      return given === undefined || given.updated_at > at;
    });
  }

  /**
   * Names of those that have been given another value since they were taken, are there no more, or
   * stand behind a narrower one that came since. No value is opened. Rejects when the database is
   * away for 5 s.
   */
  async replaced(taken: readonly TakenSecret[], user: SecretUser): Promise<readonly string[]> {
    const names = taken.map(({ name }) => name);
    const found = await this.stored(names, user, SOON);
    return taken.flatMap(({ name, secret_id: id, set_at: at, passed_by: passed = [], ...more }) => {
      const [given] = (found.get(name) ?? []).filter(({ _id }) =>
        more.only_global ? _id === secretId(EVERYBODY, name) : !passed.includes(_id),
      );
      const isSame = given?._id === id && given.updated_at.getTime() === at.getTime();
      return isSame ? [] : [name];
    });
  }

  /** Of each name those that a run may use, the narrowest first. */
  private async stored(
    names: readonly string[],
    { pipelineId, repositoryId }: SecretUser,
    patience: typeof SOON,
  ): Promise<ReadonlyMap<string, readonly SecretDocument[]>> {
    const owners: SecretOwner[] = [
      ...(pipelineId === undefined ? [] : [{ scope: 'pipeline', id: pipelineId } as const]),
      ...(repositoryId === undefined ? [] : [{ scope: 'repository', id: repositoryId } as const]),
      EVERYBODY,
    ];
    const ids = names.flatMap((name) => owners.map((owner) => secretId(owner, name)));
    const all = await this.secrets.find(ids, patience);
    const byId = new Map(all.map((secret) => [secret._id, secret]));
    return new Map(
      names.map((name) => [name, owners.flatMap((owner) => byId.get(secretId(owner, name)) ?? [])]),
    );
  }
}

/** What a value is sealed for. */
export function secretContext(id: string): string {
  return `secret:${id}`;
}

/** @param all of its name that whoever asks may use, the narrowest first */
function takenOf(secret: SecretDocument, all: readonly SecretDocument[]): TakenSecret {
  const { name, _id, updated_at } = secret;
  const passed = all.slice(0, all.indexOf(secret)).map((one) => one._id);
  return {
    ...{ name, secret_id: _id, set_at: updated_at },
    ...(passed.length > 0 && { passed_by: passed }),
  };
}

function withheldFrom(run: SecretRun, stored: SecretDocument): WithheldSecret[] {
  const { name, scope } = stored;
  const rules = rulesOf(stored);
  const why = whyWithheld(rules, run);
  return why === undefined ? [] : [{ name, scope, ...rules, why }];
}

/** 404 */
export function noSecret(name: string): MillraceError {
  return notFound('secret', name, {
    suggestions: [
      '`./millrace secrets` (GET /api/secrets) lists all names, each with its scope: name its pipeline or repository.',
    ],
  });
}

function nothingToChange(): MillraceError {
  return validationError('Nothing is named that could be changed.', {
    details: [{ path: 'events', code: 'required', message: 'events or protected must be given' }],
    suggestions: ['Give `events`, `protected` or both; PUT replaces the value.'],
  });
}

function invalid({ path, code, message, suggestion }: SecretProblem): MillraceError {
  return validationError(message, {
    details: [{ path, code, message }],
    suggestions: [suggestion],
  });
}
