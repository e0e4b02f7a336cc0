import { ValidateIf } from 'class-validator';

/**
 * The field may be left out. class-validator's own `IsOptional` lets `null` pass too, which the
 * documented type does not allow.
 */
export function MayBeAbsent(): PropertyDecorator {
  return ValidateIf((_object, value: unknown) => value !== undefined);
}
