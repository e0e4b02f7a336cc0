import { applyDecorators } from '@nestjs/common';
import { IsObject } from 'class-validator';
import 'reflect-metadata';

const key = Symbol('name map');

/**
 * A field whose names users choose, with values of any kind. It arrives as a `NameRecord`, with
 * every name that was sent: class-transformer would leave `constructor` out, and Nest `__proto__`.
 * Who uses it checks names and values.
 */
export function NameMap(): PropertyDecorator {
  const remember: PropertyDecorator = (prototype, property) => {
    const known = (Reflect.getMetadata(key, prototype) ?? []) as string[];
    Reflect.defineMetadata(key, [...known, String(property)], prototype);
  };
  return applyDecorators(IsObject(), remember);
}

/** Names of the fields of a class that are such maps. */
export function nameMapsOf(prototype: object): ReadonlySet<string> {
  return new Set((Reflect.getMetadata(key, prototype) ?? []) as string[]);
}

const textKey = Symbol('whole text');

/**
 * A text with rules of its own for characters, told with line and column. All other texts are
 * checked before they arrive.
 */
export function OwnCharacters(): PropertyDecorator {
  return (prototype, property) => {
    Reflect.defineMetadata(textKey, true, prototype, String(property));
  };
}

export function hasOwnCharacters(prototype: object, property: string): boolean {
  return Reflect.getMetadata(textKey, prototype, property) === true;
}
