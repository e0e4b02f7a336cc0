import type { EventInfo } from '../record/execution.schema.js';
import { planOf } from './attempt.fixture.js';
import { type ProtectingRepository, type RunOrigin, whyUnprotected } from './protected-run.js';

const URL = 'https://git.test/acme/shop.git';
const REPOSITORY: ProtectingRepository = {
  full_name: 'acme/shop',
  clone_url: URL,
  default_branch: 'main',
  protected_tags: ['v*', 'release/{a,b}'],
};
const EVENT: EventInfo = {
  repository_id: 'r',
  repository: 'acme/shop',
  default_branch: 'main',
  fork: false,
};
const FILE = { source: { repository_id: 'r', branch: 'main' } };
const YAML = 'name: p\nenvironment: { LEVEL: info }\nsteps: [a]\n';
const cloning = (rest: string): string => `${YAML}repository: { url: '${URL}'${rest} }\n`;
const elsewhere = (rest: string): string =>
  `${YAML}repository: { url: 'https://else.test/x/y'${rest} }\n`;

interface Case {
  readonly type?: string;
  readonly trigger?: Partial<RunOrigin['execution']['trigger_info']>;
  readonly asked?: RunOrigin['execution']['asked'];
  readonly url?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly yaml?: string;
  /** Null: there is no connection. */
  readonly repository?: Partial<ProtectingRepository> | null;
}

function why({ type = 'manual', trigger, asked, url, environment, yaml, ...of }: Case) {
  const timestamp = new Date();
  return whyUnprotected({
    execution: {
      trigger_info: { trigger_type: type, triggered_by: 'ada', timestamp, ...trigger },
      asked,
      clone_url: url ?? null,
      environment: environment ?? {},
    },
    plan: planOf(yaml ?? YAML),
    repository: of.repository === null ? undefined : { ...REPOSITORY, ...of.repository },
  });
}

describe('protected secrets are given to', () => {
  it.each<[string, Case]>([
    ['a push to the default branch', { type: 'push', trigger: { branch: 'main', event: EVENT } }],
    ['a protected tag', { type: 'tag', trigger: { tag: 'v1.2', event: EVENT } }],
    ['another one', { type: 'tag', trigger: { tag: 'release/b', event: EVENT } }],
    ['a schedule of its files', { type: 'schedule', trigger: { branch: 'main', event: EVENT } }],
    ['a webhook of its files', { type: 'webhook', trigger: { branch: 'main', event: EVENT } }],
    ['a file of the default branch by hand', { asked: FILE }],
    ['and by the command line', { type: 'cli', asked: FILE }],
    ['a file by hand, which names the branch', { asked: { ...FILE, branch: 'main' }, url: URL }],
    ['a file that clones nothing, and its branch', { asked: { ...FILE, branch: 'main' } }],
    ['a file by hand, which names a protected tag', { asked: { ...FILE, tag: 'v1' }, url: URL }],
    [
      'a run again, whose commit was found by the clone',
      { asked: FILE, url: URL, trigger: { branch: 'main', commit_hash: 'a'.repeat(40) } },
    ],
    ['variables that the pipeline declares', { asked: FILE, environment: { LEVEL: 'debug' } }],
    ['a stored pipeline that clones it', { asked: {}, yaml: cloning('') }],
    ['and names the branch', { asked: {}, yaml: cloning(', branch: main') }],
    ['and names a protected tag', { asked: {}, yaml: cloning(', tag: v2') }],
    ['and whose trigger names the branch', { asked: { branch: 'main' }, yaml: cloning('') }],
    [
      'and whose trigger writes the same URL',
      { asked: {}, url: 'https://u:p@git.test/acme/shop/', yaml: cloning('') },
    ],
    [
      'a stored one, by schedule, of which a clone has told a commit',
      {
        type: 'schedule',
        yaml: cloning(''),
        trigger: { branch: 'main', commit_hash: 'a'.repeat(40) },
      },
    ],
    ['a stored one that clones nothing', { asked: {}, repository: null }],
    ['a stored one of no connection', { asked: {}, yaml: elsewhere(''), repository: null }],
    [
      'the branch that it writes out',
      { asked: { branch: 'x' }, yaml: elsewhere(', branch: x'), repository: null },
    ],
    [
      'a commit that it writes out',
      { asked: {}, yaml: elsewhere(`, commit: ${'a'.repeat(40)}`), repository: null },
    ],
    ['a file of the default branch that clones another one', { asked: FILE, yaml: elsewhere('') }],
  ])('%s', (_name, of) => {
    expect(why(of)).toBeUndefined();
  });
});

describe('protected secrets are not given to', () => {
  it.each<[string, Case, string]>([
    ['a pull request', { type: 'pull_request', trigger: { event: EVENT } }, 'a pull request'],
    [
      'a pull request that says a branch',
      { type: 'pull_request', trigger: { branch: 'main', event: EVENT } },
      'a pull request',
    ],
    [
      'another branch',
      { type: 'push', trigger: { branch: 'main2', event: EVENT } },
      'the branch "main2" is not the default branch "main" of acme/shop',
    ],
    [
      'what was the default branch at that time',
      {
        type: 'push',
        trigger: { branch: 'main', event: EVENT },
        repository: { default_branch: 'trunk' },
      },
      'not the default branch "trunk"',
    ],
    ['a push of no branch', { type: 'push', trigger: { event: EVENT } }, 'no branch and no tag'],
    [
      'a push of a branch that is called like a tag',
      { type: 'push', trigger: { branch: 'v1', tag: 'v1', event: EVENT } },
      'the branch "v1"',
    ],
    [
      'a tag that is called like the branch',
      { type: 'tag', trigger: { branch: 'main', tag: 'main', event: EVENT } },
      'the tag "main" fits none of the protected tags of acme/shop: "v*" and "release/{a,b}"',
    ],
    [
      'any tag where none is protected',
      {
        type: 'tag',
        trigger: { tag: 'v1', event: EVENT },
        repository: { protected_tags: undefined },
      },
      'acme/shop has no protected tags',
    ],
    [
      'a fork, whatever its kind',
      { type: 'push', trigger: { branch: 'main', event: { ...EVENT, fork: true } } },
      'another repository',
    ],
    [
      'a connection that is gone',
      { type: 'push', trigger: { branch: 'main', event: EVENT }, repository: null },
      'not connected any more',
    ],
    [
      'an event that nobody knows',
      { type: 'of_later', trigger: { branch: 'main', event: EVENT } },
      'nobody can tell',
    ],
    ['what an older version accepted', { trigger: { branch: 'main' } }, 'older version'],
    ['an old re-run', { type: 'rerun' }, 'older version'],
    [
      'a file that is not on the default branch',
      { asked: { source: { repository_id: 'r' } } },
      'the text of its pipeline is not that of the default branch "main" of acme/shop',
    ],
    [
      'a file of what was the default branch',
      { asked: { source: { repository_id: 'r', branch: 'old' } } },
      'not that of the default branch',
    ],
    ['a file of no connection', { asked: FILE, repository: null }, 'not connected any more'],
    [
      'another branch by hand',
      { asked: { ...FILE, branch: 'topic' }, url: URL },
      'the branch "topic" is not the default',
    ],
    [
      'another branch, also where a file clones nothing',
      { asked: { ...FILE, branch: 'topic' } },
      'the branch "topic" is not the default',
    ],
    [
      'a commit by hand, also of the branch',
      { asked: { ...FILE, branch: 'main', commit_hash: 'abcdef1' }, url: URL },
      'it names a commit, which may be of any branch',
    ],
    ['a tag by hand', { asked: { ...FILE, tag: 'x1' }, url: URL }, 'the tag "x1" fits none'],
    [
      'another repository by hand',
      { asked: FILE, url: 'https://git.test/eve/shop.git' },
      'another repository than that of the pipeline',
    ],
    [
      'another repository of the branch that is written',
      { asked: {}, url: 'https://git.test/eve/shop.git', yaml: cloning(', branch: main') },
      'another repository than that of the pipeline',
    ],
    [
      'a repository where the pipeline has none',
      { asked: {}, url: URL, repository: null },
      'another repository than that of the pipeline',
    ],
    [
      'code in a variable',
      { asked: FILE, environment: { LEVEL: 'x', BASH_ENV: '$(evil)' } },
      'its trigger sets "BASH_ENV", which the pipeline does not declare',
    ],
    [
      'a stored pipeline that clones another branch of it',
      { asked: {}, yaml: cloning(', branch: topic') },
      'the branch "topic" is not the default',
    ],
    [
      'a stored pipeline that clones a commit of it',
      { asked: {}, yaml: cloning(`, branch: main, commit: ${'a'.repeat(40)}`) },
      'it names a commit',
    ],
    [
      'a branch by an expression',
      { asked: {}, yaml: cloning(", branch: '${{ env.LEVEL }}'") },
      'is not the default',
    ],
    [
      'a tag by an expression',
      { asked: {}, yaml: cloning(", tag: 'v${{ env.LEVEL }}'") },
      'fits none of the protected tags',
    ],
    [
      'another branch than is written',
      { asked: { branch: 'y' }, yaml: elsewhere(', branch: x'), repository: null },
      'its trigger names the branch "y", which the pipeline does not',
    ],
    [
      'a tag where a branch is written',
      { asked: { tag: 'x' }, yaml: elsewhere(', branch: x'), repository: null },
      'its trigger names the tag "x"',
    ],
    [
      'a commit of the branch that is written',
      {
        asked: { branch: 'x', commit_hash: 'abcdef1' },
        yaml: elsewhere(', branch: x'),
        repository: null,
      },
      'its trigger names the commit "abcdef1"',
    ],
    [
      'a branch of nothing',
      { asked: { branch: 'main' }, repository: null },
      'its trigger names the branch "main"',
    ],
    [
      'the branch of the connection, where the file clones another one',
      { asked: { ...FILE, branch: 'main' }, yaml: elsewhere('') },
      'its trigger names the branch "main"',
    ],
    [
      'what expressions decide',
      {
        asked: {},
        yaml: elsewhere(", branch: '${{ env.LEVEL }}'"),
        repository: null,
      },
      'not written out in the pipeline',
    ],
  ])('%s', (_name, of, text) => {
    expect(why(of)).toContain(text);
  });
});
