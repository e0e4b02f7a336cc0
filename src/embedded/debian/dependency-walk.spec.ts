import { isCut, parseDependencyGraph, walkDependencies } from './dependency-walk.js';

// Cut from `apt-cache depends --recurse --important …` of apt 2.6.
const OUTPUT = `server
 |Depends: locales
  Depends: locales-all
  Depends: ssl-cert
 |Depends: debconf
  Depends: <debconf-2.0>
    cdebconf
    debconf
  PreDepends: libc6
  Depends: <virtual-only>
    provider-a
    provider-b
  Depends: libpq5:any
locales
  Depends: libc-bin
<debconf-2.0>
libc6
  Depends: libgcc-s1
libgcc-s1
  Depends: libc6
provider-a
libpq5:any
`;

describe('parseDependencyGraph', () => {
  const graph = parseDependencyGraph(OUTPUT);

  it('groups alternatives and lists the providers of a virtual package', () => {
    expect(graph.get('server')).toEqual([
      ['locales', 'locales-all'],
      ['ssl-cert'],
      ['debconf', 'cdebconf', 'debconf'],
      ['libc6'],
      ['provider-a', 'provider-b'],
      ['libpq5:any'],
    ]);
  });

  it('knows packages without dependencies', () => {
    expect(graph.get('provider-a')).toEqual([]);
    expect(graph.get('unknown')).toBeUndefined();
  });
});

describe('walkDependencies', () => {
  const graph = parseDependencyGraph(OUTPUT);

  it('follows first alternatives, through circles, without what is cut', () => {
    const cuts = [/^locales/, /^debconf/, /^ssl-cert$/];
    expect(walkDependencies(graph, ['server'], cuts)).toEqual([
      'libc6',
      'libgcc-s1',
      'libpq5:any',
      'provider-a',
      'server',
    ]);
  });

  it('does not go below a cut package', () => {
    expect(walkDependencies(graph, ['server'], [/^locales$/])).not.toContain('libc-bin');
    expect(walkDependencies(graph, ['server'], [])).toContain('libc-bin');
  });

  it('names a seed that the archive does not have', () => {
    expect(() => walkDependencies(graph, ['server', 'absent'], [])).toThrow(/absent/);
  });

  it('never cuts a seed', () => {
    expect(walkDependencies(graph, ['libc6'], [/^libc6$/])).toContain('libc6');
    expect(isCut('libc6', [/^libc6$/])).toBe(true);
  });
});
