/** A reason of so many characters is not repeated. */
const LONG = 60;
const PLACE = /^(?:(?:stage|step|sidecar) "[^"]*"(?: of stage "[^"]*")?(?: failed)?: )+/;

/**
 * A reason that stands beside others, without what was told already: a long reason of the whole is
 * that of its parts too, with or without the names of places before it, and cut where it was too
 * long. `where` says where it is told. Both are whole, as they came.
 */
export function toldOnce(note: string, told: string, where: 'as above' | 'as below'): string {
  if (told.length < LONG) return note;
  if (note.includes(told)) return note.replace(told, () => where);
  const place = PLACE.exec(note)?.[0] ?? '';
  const rest = uncut(note.slice(place.length));
  if (rest.length >= LONG && told.includes(rest)) return `${place}${where}`;
  const at = note.indexOf(uncut(told));
  return at < 0 ? note : `${note.slice(0, at)}${where}`;
}

function uncut(text: string): string {
  return text.replace(/…$/, '');
}
