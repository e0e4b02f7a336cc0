import { errorPage } from './error-page.js';

const EVIL = `<script>"'&`;
const SHOWN = '&lt;script&gt;&quot;&#39;&amp;';

describe('a page in the place of an error', () => {
  it('holds no text unescaped', () => {
    const error = { kind: 'NotFoundError', message: EVIL, details: { login: EVIL } } as const;
    const told = errorPage(error, [EVIL], EVIL);
    const advised = errorPage(error, [], 'r', {
      title: EVIL,
      todo: [
        { text: EVIL, href: `/x?${EVIL}` },
        { text: EVIL, command: EVIL },
      ],
    });
    for (const page of [told, advised]) expect(page).not.toMatch(/<script|"'&/);
    expect(told).toContain(`<h1>${SHOWN}</h1>`);
    expect(told).toContain(`<li>${SHOWN}</li>`);
    expect(told).toContain(`<b>${SHOWN}</b>`);
    expect(advised).toContain(`<li><a href="/x?${SHOWN}">${SHOWN}</a></li>`);
    expect(advised).toContain(`<li>${SHOWN} <code>${SHOWN}</code></li>`);
  });

  it('shows commands and addresses of suggestions as such', () => {
    const error = { kind: 'NotFoundError', message: 'm', details: undefined } as const;
    const page = errorPage(error, ['See `./millrace status`: https://ci.example.com/a'], 'r');
    expect(page).toContain(
      '<li>See <code>./millrace status</code>: <a href="https://ci.example.com/a">https://ci.example.com/a</a></li>',
    );
  });
});
