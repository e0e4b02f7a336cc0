import { notFound } from './millrace.error.js';

it.each([
  ['pipeline', 'Check the id; `./millrace pipelines` shows what exists.'],
  ['execution', 'Check the id; `./millrace status` shows what exists.'],
  // No command lists them.
  ['session', 'Check the id; the list of sessions shows what exists.'],
])('what is not there names the command that lists what is: %s', (thing, suggestion) => {
  const { message, suggestions } = notFound(thing, '7');
  expect([message, suggestions]).toEqual([`There is no ${thing} 7.`, [suggestion]]);
});
