import { nameRecord } from '../../../common/values/name-record.js';
import { jsonMembers } from './json-members.js';

/**
 * Reads a JSON value that nobody has checked. A member that is missing or of another type is null;
 * only own properties count.
 */
export class Payload {
  constructor(private readonly value: unknown) {}

  /** @throws SyntaxError when it is no JSON */
  static parse(bytes: Buffer): Payload {
    return new Payload(JSON.parse(bytes.toString('utf8')));
  }

  /** Some members of an object alone, in a time that nobody can stretch (`jsonMembers`). */
  static partOf(bytes: Buffer, names: readonly string[]): Payload {
    return new Payload(nameRecord(jsonMembers(bytes, names)));
  }

  at(...names: readonly string[]): Payload {
    let { value } = this;
    for (const name of names) {
      const isThere = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
      value = isThere ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
    }
    return new Payload(value);
  }

  /** Null for the empty text too. */
  get text(): string | null {
    return typeof this.value === 'string' && this.value !== '' ? this.value : null;
  }

  get number(): number | null {
    return Number.isSafeInteger(this.value) ? (this.value as number) : null;
  }

  /** A number or text, as text. */
  get id(): string | null {
    return this.number === null ? this.text : String(this.number);
  }

  get flag(): boolean {
    return this.value === true;
  }

  isSame(value: string | number | boolean): boolean {
    return this.value === value;
  }

  get isObject(): boolean {
    return typeof this.value === 'object' && this.value !== null && !Array.isArray(this.value);
  }

  get list(): readonly Payload[] | null {
    return Array.isArray(this.value) ? this.value.map((one) => new Payload(one)) : null;
  }

  /** The texts of a list; null = no list. */
  get texts(): readonly string[] | null {
    return this.list?.flatMap(({ text }) => text ?? []) ?? null;
  }

  /**
   * A commit of 40 hex digits; null for the zeros by which forges say "none", and for anything
   * else.
   */
  get sha(): string | null {
    const { text } = this;
    return text !== null && /^[0-9a-f]{40}$/i.test(text) && !/^0+$/.test(text)
      ? text.toLowerCase()
      : null;
  }
}
