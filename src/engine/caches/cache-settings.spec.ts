import { nameRecord } from '../../common/values/name-record.js';
import { Globs } from '../../common/values/globs/globs.js';
import { readValue } from '../yaml/read-value.fixture.js';
import { caches } from './cache-settings.js';
import { CACHE_TOOLS, type CacheTool } from '../plan/caches-plan.js';
import { toolCache, toolOptions, toolVariables } from './tool-caches.js';

describe('cache of a step', () => {
  it('is the word of a tool, or several', () => {
    expect(readValue(caches, 'npm').value).toEqual([{ tool: 'npm' }]);
    const all = CACHE_TOOLS.map((tool) => ({ tool }));
    expect(readValue(caches, '[npm, pip, go, cargo, maven, gradle]')).toMatchObject({
      value: all,
      problems: [],
    });
  });

  it('is a map of paths and key, or several, beside words', () => {
    const text = `
- npm
- paths: node_modules
  key: { files: [package-lock.json, "*/package-lock.json"], prefix: "npm-\${{ trigger.branch }}-" }
  restore_keys: [npm-]
  when: always
- { paths: [a, "!a/b"], key: "deps-\${{ env.OS }}" }
`;
    expect(readValue(caches, text)).toEqual({
      value: [
        { tool: 'npm' },
        {
          paths: ['node_modules'],
          key: {
            files: ['package-lock.json', '*/package-lock.json'],
            prefix: 'npm-${{ trigger.branch }}-',
          },
          restoreKeys: ['npm-'],
          when: 'always',
        },
        {
          paths: ['a', '!a/b'],
          key: { text: 'deps-${{ env.OS }}' },
          restoreKeys: [],
          when: 'success',
        },
      ],
      problems: [],
      messages: [],
      expressions: ['npm-${{ trigger.branch }}-', 'deps-${{ env.OS }}'],
    });
    expect(readValue(caches, '{ paths: a, key: { files: b } }').value).toEqual([
      { paths: ['a'], key: { files: ['b'] }, restoreKeys: [], when: 'success' },
    ]);
  });

  it.each<[string, string[]]>([
    ['yarn', ['1:1 unknown_value']],
    ['[]', ['1:1 empty_list']],
    ['[npm, go, npm]', ['1:11 duplicate_name [2]']],
    ['[{ paths: [a, b], key: k }, { paths: [b, a], key: k }]', ['1:29 duplicate_name [1]']],
    [
      '[{ paths: a, key: { files: b } }, { paths: a, key: { files: b }, when: always }]',
      ['1:35 duplicate_name [1]'],
    ],
    ['[{ paths: a, key: k }, { paths: b, key: k }, { paths: a, key: l }]', []],
    ['{ paths: a }', ['1:1 missing_key']],
    ['{ key: k }', ['1:1 missing_key']],
    ['{ paths: /root/.npm, key: k }', ['1:10 invalid_path paths']],
    ['{ paths: a, key: { prefix: p } }', ['1:18 missing_key key']],
    ['{ paths: a, key: {files: [], prefix: p } }', ['1:26 empty_list key.files']],
    ['{ paths: a, key: "${{ x( }}" }', ['1:26 unexpected_token key']],
    ['{ paths: a, key: k, when: on_success }', ['1:27 unknown_value when']],
    ['{ paths: a, key: k, restore-keys: [b] }', ['1:21 unknown_key restore-keys']],
    ['{ paths: a, key: "b\\nc" }', ['1:18 invalid_character key']],
  ])('takes or refuses %s', (text, problems) => {
    expect(readValue(caches, text).problems).toEqual(problems);
  });

  it('says what to write instead', () => {
    expect(readValue(caches, 'node').messages[0]).toContain('Did you mean "npm"?');
    expect(readValue(caches, '{ paths: a, key: k, restore-keys: [b] }').messages[0]).toContain(
      'Write restore_keys',
    );
  });
});

describe('caches of tools', () => {
  it.each(CACHE_TOOLS)('%s: its globs are globs', (tool) => {
    const { keyFiles, kept } = toolCache(tool);
    expect(() => [new Globs(keyFiles), new Globs(kept)]).not.toThrow();
  });

  it.each([
    ['npm', ['package-lock.json', 'web/package-lock.json'], ['node_modules/a/package-lock.json']],
    ['pip', ['requirements.txt', 'api/requirements-dev.txt'], ['notes.txt']],
    ['go', ['go.sum', 'tools/go.sum'], ['go.mod']],
    ['cargo', ['Cargo.lock'], ['Cargo.toml']],
    ['maven', ['pom.xml', 'core/pom.xml'], ['pom.yml']],
    [
      'gradle',
      ['build.gradle', 'app/build.gradle.kts', 'gradle/wrapper/gradle-wrapper.properties'],
      ['gradle/wrapper/gradle-wrapper.jar'],
    ],
  ] as const)('%s: found again by its lock files', (tool, files, others) => {
    const globs = new Globs(toolCache(tool).keyFiles);
    expect(files.filter((file) => !globs.matches(file))).toEqual([]);
    expect(others.filter((file) => globs.matches(file))).toEqual([]);
  });

  it('keeps what was downloaded, and no programs, tokens or locks', () => {
    const cargo = new Globs(toolCache('cargo').kept);
    expect(cargo.matches('registry/cache/index.crates.io-1/serde-1.0.0.crate')).toBe(true);
    expect(cargo.matches('git/db/x/HEAD')).toBe(true);
    expect(cargo.matches('credentials.toml')).toBe(false);
    expect(cargo.matches('bin/cargo')).toBe(false);
    const gradle = new Globs(toolCache('gradle').kept);
    expect(gradle.matches('caches/modules-2/files-2.1/a.jar')).toBe(true);
    expect(gradle.matches('caches/modules-2/modules-2.lock')).toBe(false);
    expect(gradle.matches('gradle.properties')).toBe(false);
  });

  it.each([
    ['npm', { npm_config_cache: '/c' }],
    ['pip', { PIP_CACHE_DIR: '/c' }],
    ['go', { GOMODCACHE: '/c/mod', GOCACHE: '/c/build', GOFLAGS: '-modcacherw' }],
    ['cargo', { CARGO_HOME: '/c' }],
    ['maven', { MAVEN_OPTS: '-Dmaven.repo.local=/c' }],
    ['gradle', { GRADLE_USER_HOME: '/c' }],
  ] as const)('%s: by its variables', (tool, variables) => {
    expect({ ...toolVariables(tool, '/c', nameRecord([])) }).toEqual(variables);
  });

  it('what the step has set itself counts', () => {
    const set = (name: string, value: string) => nameRecord([[name, value] as const]);
    const options = toolVariables('maven', '/c', set('MAVEN_OPTS', '-Xmx1g'));
    expect(options.MAVEN_OPTS).toBe('-Dmaven.repo.local=/c -Xmx1g');
    const go = toolVariables('go', '/c', set('GOCACHE', '/own'));
    expect({ ...go }).toEqual({ GOMODCACHE: '/c/mod', GOFLAGS: '-modcacherw' });
    expect({ ...toolVariables('npm', '/c', set('NPM_CONFIG_CACHE', '/own')) }).toEqual({});
    expect({ ...toolVariables('npm', '/c', set('npm_config_cache', '')) }).toEqual({
      npm_config_cache: '/c',
    });
  });

  it('what an image has set of a list of options counts where the step has not set it', () => {
    const options = (tool: CacheTool, ...names: readonly string[]) =>
      toolOptions(tool, '/c', nameRecord(names.map((name) => [name, ''] as const)));
    expect(CACHE_TOOLS.flatMap((tool) => options(tool))).toEqual(['GOFLAGS', 'MAVEN_OPTS']);
    expect(options('go', 'GOFLAGS')).toEqual([]);
    expect(options('maven', 'GOFLAGS')).toEqual(['MAVEN_OPTS']);
  });
});
