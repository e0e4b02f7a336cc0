import { MillraceServer } from '../support/millrace-server.js';

/** What a page links to, and where it can be linked into. */
interface Page {
  readonly links: readonly string[];
  readonly anchors: ReadonlySet<string>;
}

function pageOf(html: string): Page {
  const all = (pattern: RegExp): string[] => [...html.matchAll(pattern)].map(([, one = '']) => one);
  return { links: all(/ href="([^"]+)"/g), anchors: new Set(all(/ id="([^"]+)"/g)) };
}

/** Whoever opens the server in a browser finds all documents of its version there. */
describe('the documentation of a server', () => {
  let server: MillraceServer;

  beforeAll(async () => {
    server = await MillraceServer.start({ workers: 0 });
  });
  afterAll(async () => {
    await server?.stop();
  });

  it('is reached from its first page, and no link in it leads nowhere', async () => {
    const pages = new Map<string, Page>();
    const read = async (path: string): Promise<Page> => {
      const response = await fetch(`${server.baseUrl}${path}`, {
        headers: { accept: 'text/html' },
      });
      expect([path, response.status]).toEqual([path, 200]);
      const page = pageOf(await response.text());
      pages.set(path, page);
      return page;
    };
    const open = [...(await read('/')).links.filter((link) => link.startsWith('/docs/'))];
    expect(open).toEqual(['/docs/']);
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (pages.has(next)) continue;
      const { links } = await read(next);
      open.push(...links.map(withoutAnchor).filter((link) => link.startsWith('/docs/')));
    }
    expect([...pages.keys()]).toEqual(
      expect.arrayContaining(['/docs/pipeline-yaml', '/docs/cli', '/docs/deploying']),
    );
    const broken = [...pages].flatMap(([path, { links }]) =>
      links
        .filter((link) => link.includes('#') && !/^[a-z]+:/.test(link))
        .filter((link) => {
          const [to = '', anchor = ''] = link.split('#');
          return pages.get(to === '' ? path : to)?.anchors.has(anchor) !== true;
        })
        .map((link) => `${path} -> ${link}`),
    );
    expect(broken).toEqual([]);
  });
});

function withoutAnchor(link: string): string {
  return link.split('#')[0] ?? link;
}
