import type { Problem } from '../../engine/yaml/problem.js';
import { definitionInvalid } from './definition-invalid.js';

const problem = (line: number, severity: Problem['severity'] = 'error'): Problem => ({
  path: 'steps',
  line,
  column: 3,
  severity,
  code: 'unknown_key',
  message: 'No such key.',
});

it('a file that does not compile is told with all errors, and no warnings', () => {
  const problems = [problem(1, 'warning'), problem(2), problem(3)];
  expect(definitionInvalid('.millrace.yml', problems)).toEqual({
    code: 'definition_invalid',
    message: 'The file .millrace.yml does not compile. Line 2, column 3: No such key.',
    data: { path: '.millrace.yml', problems: problems.slice(1) },
  });
});

it('of many errors the first are stored, and how many more there are', () => {
  const problems = Array.from({ length: 27 }, (_each, index) => problem(index + 1));
  expect(definitionInvalid('a.yml', problems).data).toEqual({
    path: 'a.yml',
    problems: problems.slice(0, 20),
    more: 7,
  });
});
