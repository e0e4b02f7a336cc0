import { WrittenTerminal } from '../../../test/support/written-text.js';
import { triggerLine } from './command-here.js';
import { reportExample } from './example-report.js';

const ID = '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b';
const HOME = '/srv/of all/millrace';
const lines = {
  here: (command: string): string => `MILLRACE_HOME='${HOME}' ./millrace ${command} --server x`,
  trigger: (pipelineId: string): string =>
    triggerLine(
      { url: 'http://127.0.0.1:8000', home: HOME },
      { authMode: 'token', token: undefined },
      pipelineId,
    ),
};

it.each([
  [
    { kind: 'unfinished', executionId: ID, afterMs: 60_000 } as const,
    [lines.here(`explain ${ID}`)],
  ],
  [
    {
      ...{
        kind: 'ended' as const,
        pipelineId: ID,
        executionId: ID,
        status: 'success',
        duration: 90,
      },
      logs: ['hello'],
    } as const,
    [lines.here(`status ${ID}`), lines.here(`trigger ${ID}`), lines.trigger(ID)],
  ],
])('prints what is to be pasted in one line each: $kind', (result, pasted) => {
  const written = new WrittenTerminal({ columns: 40 });
  reportExample(result, written.terminal, lines);
  expect(written.out.split('\n')).toEqual(
    expect.arrayContaining(pasted.map((line) => `  ${line}`)),
  );
});

it.each([
  ['token', undefined, ' -H "Authorization: Bearer $(cat /m/token)"'],
  ['oauth', 'secret', ' -H "Authorization: Bearer $MILLRACE_TOKEN"'],
  ['none', undefined, ''],
] as const)('asks with mode %s and token %s', (authMode, token, header) => {
  expect(triggerLine({ url: 'http://h', home: '/m' }, { authMode, token }, 'p')).toBe(
    `curl -X POST${header} http://h/api/ci/pipelines/p/trigger`,
  );
});
