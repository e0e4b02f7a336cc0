import { PassThrough } from 'node:stream';
import { compileYaml } from '../../engine/compiler/compile-yaml.js';
import type { RunState } from '../../engine/plan/run-state.js';
import { LocalApprovals } from './local-approvals.js';

const { plan } = compileYaml(
  'name: p\nsteps: [{ name: ok, approval: "Ship?" }, { name: x, run: "true" }]',
);
const signal = new AbortController().signal;

function waiting(inputs?: object[]): Pick<RunState, 'stages'> {
  const asked = { message: 'Ship?', required: 1, asked: '', until: '', ...(inputs && { inputs }) };
  const attempts = [{ number: 1, status: 'waiting', startedAt: 1, approval: asked }];
  const steps = [
    { name: 'ok', status: 'waiting', attempts },
    { name: 'later', status: 'waiting', attempts: [] },
  ];
  return { stages: [{ name: 's', status: 'waiting', steps }] } as unknown as RunState;
}

/** Somebody at a terminal who types these lines. */
function typing(...lines: string[]) {
  const input = Object.assign(new PassThrough(), { isTTY: true });
  const output = new PassThrough({ encoding: 'utf8' });
  const left = [...lines];
  let said = '';
  output.on('data', (text: string) => {
    said += text;
    const line = left.shift();
    if (line !== undefined) input.write(`${line}\n`);
  });
  return { input, output, said: () => said };
}

const VERSION = { name: 'version', type: 'string', options: [], required: true };

describe('LocalApprovals', () => {
  it('refuses a plan that would wait where nobody can be asked', () => {
    if (!plan) throw new Error('no plan');
    const asking = { input: new PassThrough(), output: new PassThrough() };
    expect(() => new LocalApprovals(false, asking).mustBeAnswerable(plan)).toThrow(/: ok\./);
    expect(() => new LocalApprovals(true, asking).mustBeAnswerable(plan)).not.toThrow();
    expect(() => new LocalApprovals(false, typing()).mustBeAnswerable(plan)).not.toThrow();
  });

  it.each([
    ['y', 'approved'],
    ['YES', 'approved'],
    ['n', 'rejected'],
    ['', 'rejected'],
  ])('takes %j as %s', async (line, kind) => {
    const terminal = typing(line);
    const answers = await new LocalApprovals(false, terminal).answers(waiting(), signal);
    expect(answers).toMatchObject([{ stage: 's', step: 'ok', attempt: 1, kind }]);
    expect(terminal.said()).toContain('s/ok: Ship? [y/N]');
  });

  it('asks for inputs, and takes what fits', async () => {
    const terminal = typing('y', '1.4');
    const answers = await new LocalApprovals(false, terminal).answers(waiting([VERSION]), signal);
    expect(answers).toMatchObject([{ inputs: [{ name: 'version', value: '1.4' }] }]);
  });

  it('with --approve an input without a value fails the step', async () => {
    const answers = await new LocalApprovals(true).answers(waiting([VERSION]), signal);
    expect(answers).toMatchObject([
      { kind: 'rejected', reason: { message: expect.stringContaining('required') as string } },
    ]);
  });

  it('answers nothing once the run is stopped', async () => {
    const control = new AbortController();
    const asked = new LocalApprovals(false, typing()).answers(waiting(), control.signal);
    control.abort();
    expect(await asked).toEqual([]);
  });
});
