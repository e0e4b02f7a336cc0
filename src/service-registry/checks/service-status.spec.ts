import { newProbeState, type ProbeState } from './probe-state.js';
import { type Beats, judge, type WatchedEndpoint } from './service-status.js';

const endpoint = (status: ProbeState['status'], more: Partial<WatchedEndpoint> = {}) => ({
  ...newProbeState(0),
  url: `http://${status}.example/`,
  status,
  ...more,
});
const of = (endpoints: readonly WatchedEndpoint[], beats: Beats = 'none', isStopped = false) =>
  judge({ isStopped, problem: null, beats, endpoints });

describe('the state of a service', () => {
  it.each([
    [['running', 'running'], 'running', 'checks_pass'],
    [['running', 'starting'], 'running', 'checks_pass'],
    [['running', 'unknown'], 'running', 'checks_pass'],
    [['running', 'failed'], 'degraded', 'endpoints_failed'],
    [['starting', 'failed'], 'degraded', 'endpoints_failed'],
    [['failed', 'failed'], 'failed', 'endpoints_failed'],
    [['failed', 'unknown'], 'failed', 'endpoints_failed'],
    [['starting', 'starting'], 'starting', 'not_decided'],
    [['starting', 'unknown'], 'starting', 'not_decided'],
    [['unknown', 'unknown'], 'unknown', 'not_observed'],
  ] as const)('of endpoints that are %j is %s (%s)', (statuses, status, code) => {
    expect(of(statuses.map((each) => endpoint(each)))).toMatchObject({
      status,
      reason: { code },
    });
  });

  it.each([
    ['none', 'unknown', 'not_checked'],
    ['awaited', 'starting', 'heartbeat_awaited'],
    ['heard', 'running', 'heartbeat_heard'],
    ['missed', 'failed', 'heartbeat_missed'],
  ] as const)('of heartbeats alone that are %s is %s (%s)', (beats, status, code) => {
    expect(of([], beats)).toMatchObject({ status, reason: { code } });
  });

  it('fails with one check of its instance, whatever its endpoints answer', () => {
    const problem = { code: 'command_failed', message: 'it ended with exit code 1: no' } as const;
    const broken = endpoint('failed', { url: 'check:ready', problem });
    expect(of([endpoint('running'), broken])).toEqual({
      status: 'failed',
      reason: {
        code: 'instance_failed',
        message: 'check ready fails: it ended with exit code 1: no',
        data: { failed: [{ check: 'check:ready', ...problem }], count: 1 },
      },
    });
  });

  it('fails with a check that fails for good, also while another one flaps', () => {
    const broken = endpoint('failed', { url: 'check:container' });
    const flaps = endpoint('failed', { url: 'check:ready', flapping: true });
    expect(of([flaps, broken]).status).toBe('failed');
    expect(of([flaps, endpoint('running')])).toMatchObject({
      ...{ status: 'degraded', reason: { code: 'flapping' } },
    });
  });

  it('runs where nobody could look at a check, and is unknown where nothing else is known', () => {
    const problem = { code: 'not_askable', message: 'no engine' } as const;
    const unknown = endpoint('unknown', { url: 'check:ready', problem });
    expect(of([endpoint('running'), unknown])).toMatchObject({
      ...{ status: 'running', reason: { message: '1 of 2 checks pass' } },
    });
    expect(of([unknown])).toMatchObject({
      status: 'unknown',
      reason: {
        code: 'not_observed',
        message: expect.stringContaining('; check ready: no engine') as string,
      },
    });
  });

  it('needs both heartbeats and endpoints where there are both', () => {
    expect(of([endpoint('running')], 'heard').status).toBe('running');
    expect(of([endpoint('running')], 'awaited').status).toBe('starting');
    expect(of([endpoint('running')], 'missed').status).toBe('failed');
    expect(of([endpoint('failed')], 'heard').status).toBe('failed');
  });

  it('is degraded while an endpoint flaps, whatever that is now, in always the same words', () => {
    const url = 'http://a.example/';
    const flaps = (status: ProbeState['status']) => of([endpoint(status, { url, flapping: true })]);
    expect(flaps('running')).toMatchObject({ status: 'degraded', reason: { code: 'flapping' } });
    expect(flaps('failed')).toEqual(flaps('running'));
    expect(flaps('unknown').status).toBe('unknown');
  });

  it('is stopped when it is meant to be', () => {
    expect(of([endpoint('failed')], 'missed', true).status).toBe('stopped');
  });

  it('says which endpoints fail, and why', () => {
    const problem = { code: 'timeout', message: 'no answer within 5 s' } as const;
    const { reason } = of([endpoint('failed', { problem }), endpoint('running')]);
    expect(reason.message).toBe(
      '1 of 2 endpoints fail; http://failed.example/: no answer within 5 s',
    );
    expect(reason.data).toMatchObject({ count: 1, all: 2, failed: [{ code: 'timeout' }] });
    const many = of(Array.from({ length: 30 }, () => endpoint('failed')));
    expect(many.reason.data).toMatchObject({ count: 30, failed: { length: 10 } });
  });
});
