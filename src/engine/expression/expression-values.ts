import { valueOf, type NameRecord } from '../../common/values/name-record.js';
import type { ExpressionValue } from './expression.js';

/** A value from outside as an expression value; what JSON does not know reads as null. */
export function toExpressionValue(value: unknown): ExpressionValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : null;
    case 'object':
      return value as ExpressionValue;
    default:
      return null;
  }
}

/**
 * An own property of an object, so nothing that objects inherit, or an element of an array; null
 * when there is none.
 */
export function readProperty(target: ExpressionValue, key: ExpressionValue): ExpressionValue {
  if (target === null || typeof target !== 'object') return null;
  if (Array.isArray(target)) {
    const index = typeof key === 'string' && key !== '' ? Number(key) : key;
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0) return null;
    return toExpressionValue((target as readonly unknown[])[index]);
  }
  if (typeof key !== 'string' && typeof key !== 'number') return null;
  const name = String(key);
  return toExpressionValue(valueOf(target as NameRecord<unknown>, name));
}

/** false, null, 0 and '' are false; everything else is true, also `'false'` and an empty list. */
export function isTruthy(value: ExpressionValue): boolean {
  return value !== null && value !== false && value !== 0 && value !== '';
}

/**
 * Equality of `==`, `in` and `contains`: texts compare exactly; a text equals a number or boolean
 * that is written like it (outputs and variables are texts); null equals '' (an unset variable is
 * empty); lists and objects equal nothing.
 */
export function looselyEqual(left: ExpressionValue, right: ExpressionValue): boolean {
  if (left === null) return right === null || right === '';
  if (right === null) return left === '';
  if (typeof left === 'object' || typeof right === 'object') return false;
  if (typeof left === typeof right) return left === right;
  if (typeof left === 'number' || typeof right === 'number') {
    const a = toNumber(left);
    return a !== undefined && a === toNumber(right);
  }
  return String(left) === String(right);
}

/**
 * Order of two numbers or texts that are numbers on one side at least, else of two texts by code
 * unit; undefined when they have none.
 */
export function compare(left: ExpressionValue, right: ExpressionValue): number | undefined {
  if (typeof left === 'string' && typeof right === 'string') {
    if (left === right) return 0;
    return left < right ? -1 : 1;
  }
  const a = toNumber(left);
  const b = toNumber(right);
  return a === undefined || b === undefined ? undefined : a - b;
}

function toNumber(value: ExpressionValue): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || !/^-?[0-9]{1,20}(\.[0-9]{1,20})?$/.test(value)) return undefined;
  return Number(value);
}

/** The text of a value inside a template: null is '', lists and objects are JSON. */
export function toText(value: ExpressionValue): string {
  if (value === null) return '';
  if (typeof value === 'object') return toJson(value) ?? '';
  return String(value);
}

/**
 * One line of JSON; undefined for data that is not JSON (a circle): a scope that breaks its
 * contract is no reason to throw.
 */
export function toJson(value: ExpressionValue): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
