import type { Browser, Locator, Page } from 'playwright-core';
import { startChromium } from '../support/chromium.js';
import { eventually } from '../support/eventually.js';
import { MillraceServer } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';

/** By less than the height of the window; behind the end from the beginning. */
const SCROLL_ON = `{
  const before = window.scrollY;
  window.scrollBy(0, 300);
  if (window.scrollY === before) window.scrollTo(0, 0);
}`;
const TOKEN = 'test-token-of-24-characters';

/** What a newcomer does with it, and with what it has filled in itself. */
describeWith({ chromium: 'chromium' }, {}, 'Swagger UI in a real browser', () => {
  let server: MillraceServer;
  let chromium: Browser;
  let page: Page;

  beforeAll(async () => {
    server = await MillraceServer.start({ workers: 0 });
    chromium = await startChromium();
    page = await chromium.newPage();
    await page.goto(`${server.baseUrl}/api/docs`);
    await page.click('button.authorize');
    await page.fill('.auth-container input', TOKEN);
    await page.click('.auth-container button[type=submit]');
    await page.click('.modal-ux button.close-modal');
  });
  afterAll(async () => {
    await chromium?.close();
    await server?.stop();
  });

  /** Of so many routes the page has only those that are near to what is seen of it. */
  const scrollTo = async (route: Locator): Promise<void> => {
    await eventually(async () => {
      if ((await route.count()) > 0) return true;
      await page.evaluate(SCROLL_ON);
      return undefined;
    });
  };
  const open = async (operationId: string): Promise<Locator> => {
    const route = page.locator(`.opblock[id$="-${operationId}"]`);
    await scrollTo(route);
    await route.locator('.opblock-summary-control').first().click();
    await route.locator('.responses-wrapper').waitFor();
    return route;
  };
  /** Status and body of the answer to what stands there. */
  const execute = async (route: Locator): Promise<[string, string]> => {
    await route.locator('button.execute').click();
    const live = route.locator('.live-responses-table .response').first();
    const status = await live.locator('.response-col_status').first().innerText();
    return [status.trim(), await live.locator('.highlight-code').first().innerText()];
  };

  it('begins with pipelines', async () => {
    const [first] = await page.locator('.opblock-tag').allInnerTexts();
    expect(first).toMatch(/^pipelines/);
  });

  it('creates a pipeline of the YAML that it has filled in', async () => {
    const route = await open('pipelines_create');
    await route.locator('.body-param-content-type select').selectOption('text/yaml');
    expect(await route.locator('textarea').first().inputValue()).toMatch(/^name: hello\nstages:/);
    const [status, body] = await execute(route);
    expect([status, body]).toEqual(['201', expect.stringContaining('"name": "hello"')]);
  });

  it('lists with nothing filled in', async () => {
    const route = await open('executions_list');
    const fields = route.locator('.parameters input, .parameters select');
    const filled = await fields.evaluateAll((all) =>
      all.map((each) => (each as unknown as { value: string }).value),
    );
    expect(filled).toEqual(['', '', '', '', '']);
    expect(await execute(route)).toEqual(['200', expect.stringContaining('[]')]);
  });

  it("shows an execution's own 404", async () => {
    const route = await open('executions_get');
    const shown = await route.locator('tr[data-code="404"]').first().innerText();
    expect(shown).toContain('"message": "There is no execution ');
    expect(shown).toContain('./millrace status');
  });
});
