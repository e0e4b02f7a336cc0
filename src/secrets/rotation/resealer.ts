import { Injectable, Logger } from '@nestjs/common';
import { failPoint } from '../../common/fail-point.js';
import { nameRecord } from '../../common/values/name-record.js';
import { BrokenSealError, keyOf, Keyring, MissingKeyError } from '../encryption/keyring.js';
import {
  type DocumentChange,
  type SealedPlace,
  SealedPlaces,
  type StoredDocument,
} from '../encryption/sealed-places.js';
import { SealedDocumentsRepository } from './sealed-documents.repository.js';

/** The fail point is behind so many documents. */
const FIRST_FEW = 16;

export interface Resealed {
  /** Documents that were sealed by the key of now. */
  readonly changed: number;
  /** Documents that stay as they are: their key is missing, or they are broken. */
  readonly unreadable: number;
  /** False: it was stopped before it had seen everything. */
  readonly finished: boolean;
}

/**
 * Brings everything that is stored to the key that seals now: what older keys have sealed, and what
 * older versions have stored in clear. It may die at any moment and be begun again, and several may
 * work at once: each document is changed by one write, which finds it only as it was read.
 */
@Injectable()
export class Resealer {
  private readonly logger = new Logger(Resealer.name);

  constructor(
    private readonly places: SealedPlaces,
    private readonly documents: SealedDocumentsRepository,
    private readonly keyring: Keyring,
  ) {}

  /** @param shouldContinue asked before each document; it may take its time */
  async reseal(shouldContinue: () => boolean | Promise<boolean>): Promise<Resealed> {
    const counts = { changed: 0, unreadable: 0 };
    for (const place of this.places.all()) {
      for await (const document of this.documents.of(place)) {
        if (!(await shouldContinue())) return { ...counts, finished: false };
        const outcome = await this.resealOne(place, document);
        if (outcome !== 'as it was') counts[outcome] += 1;
        if (counts.changed === FIRST_FEW) failPoint('half_resealed');
      }
    }
    return { ...counts, finished: true };
  }

  /** In how many documents something is sealed by each key, and in how many nothing is. */
  async uses(): Promise<ReadonlyMap<string, number>> {
    const uses = new Map<string, number>();
    for (const place of this.places.all()) {
      for await (const document of this.documents.of(place)) {
        const ids = new Set(place.texts.map(({ path }) => keyIdAt(document, path)));
        for (const id of ids) {
          if (id !== undefined) uses.set(id, (uses.get(id) ?? 0) + 1);
        }
      }
    }
    return uses;
  }

  private async resealOne(
    place: SealedPlace,
    document: StoredDocument,
  ): Promise<'changed' | 'unreadable' | 'as it was'> {
    try {
      const change = place.clear?.change(this.keyring, document) ?? this.toPrimary(place, document);
      if (change === undefined) return 'as it was';
      await this.documents.change(place, change);
      return 'changed';
    } catch (error) {
      if (!(error instanceof MissingKeyError) && !(error instanceof BrokenSealError)) throw error;
      this.logger.warn(
        { err: error, collection: place.collection, id: document._id },
        'not sealed again',
      );
      return 'unreadable';
    }
  }

  private toPrimary({ texts }: SealedPlace, document: StoredDocument): DocumentChange | undefined {
    const old = texts.flatMap(({ path, context }) => {
      const text = textAt(document, path);
      const id = text && keyOf(text);
      if (text === undefined || id === undefined || id === this.keyring.primary.id) return [];
      const bytes = this.keyring.openBytes(text, context(document._id));
      const sealed = this.keyring.sealBytes(bytes, context(document._id));
      return [{ path, text, sealed }];
    });
    if (old.length === 0) return undefined;
    return {
      filter: { _id: document._id, ...nameRecord(old.map((one) => [one.path, one.text] as const)) },
      update: { $set: nameRecord(old.map(({ path, sealed }) => [path, sealed] as const)) },
    };
  }
}

function keyIdAt(document: StoredDocument, path: string): string | undefined {
  const text = textAt(document, path);
  return text === undefined ? undefined : keyOf(text);
}

function textAt(document: StoredDocument, path: string): string | undefined {
  const value = path
    .split('.')
    .reduce<unknown>(
      (part, name) => (part as Record<string, unknown> | undefined)?.[name],
      document,
    );
  return typeof value === 'string' ? value : undefined;
}
