import { webhookDialect } from '../../integrations/forge/webhooks/webhook-dialects.js';
import { Payload } from '../../integrations/forge/webhooks/payload.js';
import { assumedTrigger, forgeTrigger } from './assumed-trigger.js';

const SHA = '4f0c3d2a1b2c3d4e5f60718293a4b5c6d7e8f901';

describe('an event that somebody assumes', () => {
  it('a push: rules see branch, files and the first line of its message', () => {
    expect(
      assumedTrigger({
        event: 'push',
        actor: 'ada',
        branch: 'main',
        commit: SHA,
        message: 'one\n\n[skip ci]',
        changedPaths: ['a.ts'],
      }),
    ).toEqual({
      context: {
        event: 'push',
        actor: 'ada',
        branch: 'main',
        commit: SHA,
        message: 'one\n\n[skip ci]',
      },
      asked: { event: 'push', branch: 'main', changedPaths: ['a.ts'], skipText: 'one' },
    });
  });

  it('what was not said is absent: files, fork, what an edit has changed', () => {
    expect(assumedTrigger({ event: 'push' })).toEqual({
      context: { event: 'push' },
      asked: { event: 'push' },
    });
    expect(assumedTrigger({ event: 'pull_request', branch: 'main' })).toEqual({
      context: { event: 'pull_request', base: { branch: 'main' } },
      asked: { event: 'pull_request', branch: 'main', draft: false, fork: false },
    });
  });

  it('a pull request is of no branch: rules see its base', () => {
    const pullRequest = {
      number: 7,
      action: 'opened',
      title: '[skip ci]',
      baseBranch: 'main',
      headBranch: 'fix',
      draft: true,
      fork: true,
    };
    expect(assumedTrigger({ event: 'pull_request', branch: 'x', pullRequest })).toEqual({
      context: {
        event: 'pull_request',
        title: '[skip ci]',
        number: 7,
        fork: true,
        base: { branch: 'main' },
        head: { branch: 'fix' },
      },
      asked: {
        event: 'pull_request',
        branch: 'main',
        pullRequestType: 'opened',
        draft: true,
        fork: true,
        skipText: '[skip ci]',
      },
    });
  });

  it('by hand it is what it was', () => {
    const values = { event: 'cli', branch: 'main', commit: SHA, repository: 'https://a.example/b' };
    expect(assumedTrigger(values)).toEqual({
      context: values,
      asked: { event: 'cli', branch: 'main', repository: 'https://a.example/b' },
    });
  });

  it('a payload of a forge says the same as the values of it', () => {
    const repo = { id: 1 };
    const payload = {
      action: 'opened',
      number: 7,
      sender: { id: 1, login: 'ada' },
      pull_request: {
        title: 'Fix',
        user: { id: 1, login: 'ada' },
        base: { ref: 'main', repo },
        head: { ref: 'fix', sha: SHA, repo },
      },
    };
    const event = webhookDialect('github').read('pull_request', new Payload(payload));
    if ('ignored' in event) throw new Error(event.message);
    const { asked, context } = forgeTrigger(event);
    const assumed = assumedTrigger({
      event: 'pull_request',
      actor: 'ada',
      commit: SHA,
      pullRequest: {
        number: 7,
        action: 'opened',
        title: 'Fix',
        baseBranch: 'main',
        headBranch: 'fix',
        fork: false,
      },
    });
    expect(context).toEqual({ ...assumed.context, author: 'ada' });
    expect(asked).toEqual({ ...assumed.asked, baseChanged: false, changedPaths: 'unknown' });
  });
});
