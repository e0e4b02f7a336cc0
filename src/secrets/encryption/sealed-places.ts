import { Injectable } from '@nestjs/common';
import { nameRecord } from '../../common/values/name-record.js';
import type { Keyring } from './keyring.js';

/** A document as the driver gives it; its id is a text in every collection that seals something. */
export interface StoredDocument {
  readonly _id: string;
  readonly [field: string]: unknown;
}

/** Documents with something sealed in them. */
export interface SealedPlace {
  /** Its name. */
  readonly collection: string;
  readonly texts: readonly SealedText[];
  /** Absent: no version of Millrace has stored any of it in clear. */
  readonly clear?: ClearDocuments;
}

export interface SealedText {
  /** Of the field: `webhook.secret`. */
  readonly path: string;
  /** What it is sealed for, in the document of this id. */
  readonly context: (id: string) => string;
}

/** How a document that an older version has stored in clear is sealed. */
export interface ClearDocuments {
  /** All that `change` needs, beside the id and the texts. */
  readonly fields: readonly string[];
  /** undefined: nothing of this document is in clear. */
  readonly change: (keyring: Keyring, document: StoredDocument) => DocumentChange | undefined;
}

export interface DocumentChange {
  /** Finds the document only as it was read. */
  readonly filter: Readonly<Record<string, unknown>>;
  readonly update: Readonly<Record<string, unknown>>;
}

/** Where sealed texts are stored. Features stand above, and say it in `onModuleInit`. */
@Injectable()
export class SealedPlaces {
  private readonly places: SealedPlace[] = [];

  register(place: SealedPlace): void {
    this.places.push(place);
  }

  all(): readonly SealedPlace[] {
    return this.places;
  }
}

/** For documents whose `fields` were in clear and are in `sealed` now. */
export function clearFields(
  fields: readonly string[],
  seal: (keyring: Keyring, document: StoredDocument) => string,
  /** Fields that tell whether somebody has changed it meanwhile; none: it never changes. */
  unchanged: readonly string[] = [],
): ClearDocuments {
  return {
    fields: [...fields, ...unchanged],
    change: (keyring, document) => {
      if (document['sealed'] !== undefined) return undefined;
      const asRead = nameRecord(unchanged.map((name) => [name, document[name] ?? null] as const));
      return {
        filter: { _id: document._id, sealed: null, ...asRead },
        update: {
          $set: { sealed: seal(keyring, document) },
          $unset: nameRecord(fields.map((name) => [name, ''] as const)),
        },
      };
    },
  };
}
