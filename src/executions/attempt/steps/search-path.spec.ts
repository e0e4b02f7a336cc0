import { notFoundReason, withSearchFolders } from './search-path.js';

describe('withSearchFolders', () => {
  const environment = { PATH: '/usr/bin:/bin', CI_WORKSPACE: '/w', A: 'a' };

  it('puts folders in front of PATH, relative ones below the workspace', () => {
    expect(withSearchFolders(environment, ['/opt/a', 'bin'])).toEqual({
      ...environment,
      PATH: '/opt/a:/w/bin:/usr/bin:/bin',
    });
  });

  it('changes nothing where there are none', () => {
    expect(withSearchFolders(environment, undefined)).toBe(environment);
    expect(withSearchFolders(environment, [])).toBe(environment);
  });

  it('leaves no empty part, which would be the folder that a program stands in', () => {
    expect(withSearchFolders({ PATH: '' }, ['/opt/a'])).toEqual({ PATH: '/opt/a' });
    expect(withSearchFolders({}, ['/opt/a'])).toEqual({ PATH: '/opt/a' });
    expect(withSearchFolders({}, ['/opt/a'], '/image')).toEqual({ PATH: '/opt/a:/image' });
  });
});

describe('notFoundReason', () => {
  it('cuts a long PATH in its message, and says that of an empty one', () => {
    expect(notFoundReason(`/${'x'.repeat(1000)}`, 'here').message.length).toBeLessThan(420);
    expect(notFoundReason('', 'here').message).toContain('PATH is empty');
  });
});
