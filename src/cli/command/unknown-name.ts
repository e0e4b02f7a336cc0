import { nearestName } from '../../engine/expression/nearest-name.js';
import { cleanText } from '../terminal/clean-text.js';
import { CommandError } from './command.error.js';
import { exitCodes } from './exit-codes.js';

const SHOWN = 20;

/** Nothing has the name that was given: what is near to it, and those that there are. */
export function unknownName(
  what: 'stage' | 'step' | 'attempt',
  name: string,
  { all, shown = all }: { readonly all: readonly string[]; readonly shown?: readonly string[] },
): CommandError {
  const near = nearestName(name, all);
  const more = shown.length > SHOWN ? `, and ${shown.length - SHOWN} more` : '';
  const known = cleanText(shown.slice(0, SHOWN).join(', '));
  return new CommandError(`There is no ${what} '${cleanText(name)}'.`, exitCodes.usage, [
    ...(near === undefined ? [] : [`Did you mean ${cleanText(near)}?`]),
    ...(shown.length === 0 ? [`There are no ${what}s.`] : [`The ${what}s are: ${known}${more}`]),
  ]);
}
