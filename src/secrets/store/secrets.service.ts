import { Injectable, Logger } from '@nestjs/common';
import { MillraceError, notFound, validationError } from '../../common/errors/millrace.error.js';
import type { Page, PageRequest } from '../../common/http/paging.js';
import { nameRecord, type NameRecord } from '../../common/values/name-record.js';
import { BrokenSealError, Keyring, MissingKeyError } from '../encryption/keyring.js';
import type { SecretDocument } from './secret.schema.js';
import { EVERYBODY, secretId, type SecretOwner } from './secret-owner.js';
import { SecretOwners } from './secret-owners.js';
import { secretNameProblem, type SecretProblem, secretValueProblem } from './secret-value.js';
import { type SecretFilter, SecretsRepository, type SecretSummary } from './secrets.repository.js';

/** Whose secrets a run may use; absent: it has no such owner. */
export interface SecretReader {
  readonly pipelineId: string;
  readonly repositoryId?: string;
}

/** Why a secret that a run names cannot be given to it. */
export type SecretRefusal =
  | { readonly kind: 'missing'; readonly names: readonly string[] }
  /** `keyId`: the missing key that it was sealed with; absent: it was changed in the database. */
  | { readonly kind: 'unreadable'; readonly name: string; readonly keyId?: string };

export type ResolvedSecrets =
  { readonly kind: 'values'; readonly values: NameRecord<string> } | SecretRefusal;

/** However long the database is away: a run that has begun waits for it. */
const NO_DEADLINE = { deadlineMs: Infinity };

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
   * Makes the secret, or replaces its value.
   * @throws MillraceError ValidationError (never with anything of the value), NotFoundError
   */
  async set(
    owner: SecretOwner,
    name: string,
    value: string,
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
      created_by: actor,
      created_at: now,
      updated_by: actor,
      updated_at: now,
    });
    this.logger.log({ secret: id, by: actor }, 'secret set');
    return stored;
  }

  async list(filter: SecretFilter, page: PageRequest): Promise<Page<SecretSummary>> {
    return this.secrets.list(filter, page);
  }

  /** @throws MillraceError ValidationError, NotFoundError */
  async delete(owner: SecretOwner, name: string, actor: string): Promise<void> {
    const problem = secretNameProblem(name);
    if (problem) throw invalid(problem);
    const id = secretId(owner, name);
    if (!(await this.secrets.delete(id))) {
      throw notFound('secret', name, {
        suggestions: [
          '`./millrace secrets` (GET /api/secrets) lists all names, each with its scope: name its pipeline or repository.',
        ],
      });
    }
    this.logger.log({ secret: id, by: actor }, 'secret deleted');
  }

  /** With its owner all of its secrets go. */
  async deleteOf(owner: Exclude<SecretOwner, { scope: 'global' }>): Promise<void> {
    await this.secrets.deleteOf(owner);
  }

  /**
   * The values of these names for a run, of each the narrowest: pipeline, then repository, then
   * global. All of them, or why not.
   */
  async resolve(
    names: readonly string[],
    { pipelineId, repositoryId }: SecretReader,
  ): Promise<ResolvedSecrets> {
    if (names.length === 0) return { kind: 'values', values: nameRecord([]) };
    const owners: SecretOwner[] = [
      { scope: 'pipeline', id: pipelineId },
      ...(repositoryId === undefined ? [] : [{ scope: 'repository', id: repositoryId } as const]),
      EVERYBODY,
    ];
    const ids = names.flatMap((name) => owners.map((owner) => secretId(owner, name)));
    const found = new Map<string, SecretDocument>();
    for (const secret of await this.secrets.find(ids, NO_DEADLINE)) found.set(secret._id, secret);
    const missing: string[] = [];
    const values = new Map<string, string>();
    for (const name of names) {
      const owner = owners.find((each) => found.has(secretId(each, name)));
      const secret = owner && found.get(secretId(owner, name));
      if (!secret) {
        missing.push(name);
        continue;
      }
      try {
        values.set(name, this.keyring.open(secret.value, secretContext(secret._id)));
      } catch (error) {
        if (error instanceof MissingKeyError) {
          return { kind: 'unreadable', name, keyId: error.keyId };
        }
        if (error instanceof BrokenSealError) return { kind: 'unreadable', name };
        throw error;
      }
    }
    if (missing.length > 0) return { kind: 'missing', names: missing };
    return { kind: 'values', values: nameRecord(values) };
  }
}

/** What a value is sealed for. */
export function secretContext(id: string): string {
  return `secret:${id}`;
}

function invalid({ path, code, message, suggestion }: SecretProblem): MillraceError {
  return validationError(message, {
    details: [{ path, code, message }],
    suggestions: [suggestion],
  });
}
