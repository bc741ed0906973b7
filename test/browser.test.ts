/** The SDK in real pages of a real browser, under a strict content security policy. */
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { type Holdfast, connect } from '@holdfast/client';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LockFacts } from './browser/page.js';
import { FOREIGN_HOST, Site, bundlePage, isChromiumMissing, launchChromium } from './support/browser.js';
import { RawClient } from './support/raw-client.js';
import { ServerProcess } from './support/server-process.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { until } from './support/until.js';

const isRequired = process.env['CI'] !== undefined || process.env['HOLDFAST_REQUIRE_BROWSER'] !== undefined;
/** No time-out of a session of this length ends while a test is patient: what happens at once is not its doing. */
const MINUTE_MS = 60_000;

const look = (page: Page, key: string): Promise<LockFacts> =>
  page.evaluate((name) => window.holdfastPage.look(name), key);
const acquire = (page: Page, key: string): Promise<number> =>
  page.evaluate((name) => window.holdfastPage.acquire(name), key);
const open = (page: Page, url: string, timeoutMs = MINUTE_MS): Promise<string> =>
  page.evaluate(([to, ms]) => window.holdfastPage.open(to, ms), [url, timeoutMs] as const);

describe('the bundle for browsers', () => {
  it('has the SDK and the protocol in it, and nothing of ws or Node', async () => {
    const { metafile, outputFiles } = await bundlePage();
    const inputs = Object.keys(metafile.inputs);
    expect(inputs.filter((path) => /(^|\/)node_modules\/|node:|ws-node/.test(path))).toEqual([]);
    expect(inputs.some((path) => path.endsWith('ws-browser.js'))).toBe(true);
    const [file, ...more] = outputFiles;
    expect(more).toEqual([]);
    const bytes = file?.contents ?? new Uint8Array();
    process.stdout.write(`The SDK for browsers: ${bytes.length} bytes, ${gzipSync(bytes).length} bytes gzipped\n`);
    // As much as a page may be asked to load for this.
    expect(gzipSync(bytes).length).toBeLessThan(25_000);
  });
});

const isSkipped = isChromiumMissing && !isRequired;
if (isSkipped)
  process.stdout.write('Pages are not tested: there is no chromium here, and HOLDFAST_REQUIRE_BROWSER is not set.\n');

// Where a browser has to be there, its absence is a failure.
describe.skipIf(isSkipped)('a page', () => {
  let server: ServerProcess;
  let site: Site;
  let browser: Browser;
  let node: Holdfast;
  let page: Page;

  beforeAll(async () => {
    server = await ServerProcess.start();
    const { outputFiles } = await bundlePage();
    site = await Site.start(outputFiles[0]!.contents);
    browser = await launchChromium();
    node = await connect(server.url);
  });

  afterAll(async () => {
    await node.close();
    await browser.close();
    await site.close();
    expect(await server.close()).toEqual({ code: 0, signal: null });
  });

  beforeEach(async () => {
    page = await site.open(browser);
  });

  afterEach(async () => {
    await page.close();
    expect(site.complaints.splice(0)).toEqual([]);
  });

  it('acquires and releases, and another page is granted the lock by push', async () => {
    const other = await site.open(browser);
    await open(page, server.url);
    await open(other, server.url);
    const token = await acquire(page, 'browser/two');
    const waiting = acquire(other, 'browser/two');
    await until('the other page waits', async () => (await node.query('browser/two')).waiting === 1);
    expect(await look(page, 'browser/two')).toMatchObject({ state: 'held', isHeld: true, aborted: false });
    await page.evaluate(() => window.holdfastPage.release('browser/two'));
    expect(await waiting).toBeGreaterThan(token);
    expect(await look(page, 'browser/two')).toMatchObject({ state: 'released', isHeld: false, aborted: false });
    await other.close();
  });

  it('takes turns with a program', async () => {
    await open(page, server.url);
    const lock = await node.acquire('browser/turns');
    const waiting = acquire(page, 'browser/turns');
    await until('the page waits', async () => (await node.query('browser/turns')).waiting === 1);
    await lock.release();
    expect(await waiting).toBeGreaterThan(lock.token);
    const again = node.acquire('browser/turns');
    await until('the program waits', async () => (await node.query('browser/turns')).waiting === 1);
    await page.evaluate(() => window.holdfastPage.release('browser/turns'));
    await (await again).release();
  });

  it.each([
    ['its tab is closed', () => page.close()],
    ['it is reloaded', () => page.reload()],
    ['another page is opened in its tab', () => page.goto('about:blank')],
  ])('gives its lock up at once when %s', async (how, leave) => {
    const key = `browser/left/${how}`;
    await open(page, server.url);
    const token = await acquire(page, key);
    await using next = await RawClient.open(server.url, { timeoutMs: MINUTE_MS });
    next.acquire(1, key);
    await next.probed(1);
    await leave();
    expect((await next.granted(1))[2]).toBeGreaterThan(token);
  });

  it('is told by the signal that its lock was taken by force', async () => {
    await open(page, server.url);
    await acquire(page, 'browser/force');
    await node.forceRelease('browser/force', { reason: 'a test' });
    await until('the signal fires', async () => (await look(page, 'browser/force')).heard !== null);
    const facts = await look(page, 'browser/force');
    expect(facts).toMatchObject({ state: 'lost', isHeld: false, aborted: true, why: 'REVOKED', states: ['lost'] });
    expect(facts.heard).toContain('browser/force');
  });

  it('keeps its lock beyond its time-out, though it sees no pings', async () => {
    await open(page, server.url, 1_000);
    await acquire(page, 'browser/beats');
    // Several time-outs: there is nothing to wait for but that nothing happens.
    await delay(3_000);
    const facts = await look(page, 'browser/beats');
    expect(facts).toMatchObject({ state: 'held', isHeld: true, aborted: false, states: [] });
    expect(facts.validForMs).toBeGreaterThan(0);
  });

  it('comes back with its lock when its connection breaks', async () => {
    await using proxy = await TcpProxy.start(server.port);
    const session = await open(page, proxy.url, 10_000);
    await acquire(page, 'browser/reconnect');
    await using next = await RawClient.open(server.url, { timeoutMs: MINUTE_MS });
    next.acquire(1, 'browser/reconnect');
    for (let round = 1; round <= 3; round++) {
      proxy.reset();
      await until('the lock is held again', async () => {
        const { states } = await look(page, 'browser/reconnect');
        return states.length === 2 * round && states.at(-1) === 'held';
      });
    }
    expect(await look(page, 'browser/reconnect')).toMatchObject({
      state: 'held',
      aborted: false,
      states: ['jeopardy', 'held', 'jeopardy', 'held', 'jeopardy', 'held'],
    });
    expect(await page.evaluate(() => window.holdfastPage.session())).toBe(session);
    await next.probed(1);
    expect(next.unread).toEqual([]);
    await page.evaluate(() => window.holdfastPage.release('browser/reconnect'));
    await next.granted(1);
  });

  it('loses its lock when its connection is away for longer than the time-out, before the next one gets it', async () => {
    await using proxy = await TcpProxy.start(server.port);
    await open(page, proxy.url, 1_000);
    await acquire(page, 'browser/away');
    await using next = await RawClient.open(server.url, { timeoutMs: MINUTE_MS });
    next.acquire(1, 'browser/away');
    await next.probed(1);
    proxy.stall();
    await next.granted(1);
    expect(await look(page, 'browser/away')).toMatchObject({ state: 'lost', aborted: true, why: 'DEADLINE' });
    proxy.flow();
  });

  it('of a foreign origin is refused, unless the server allows that origin', async () => {
    const foreign = await site.open(browser, FOREIGN_HOST);
    await expect(open(foreign, server.url)).rejects.toThrow(/no connection within/);
    expect(site.complaints.splice(0).filter((text) => !text.includes('403'))).toEqual([]);
    await using welcoming = await ServerProcess.start({ allowedOrigins: [site.origin(FOREIGN_HOST)] });
    await open(foreign, welcoming.url);
    expect(await acquire(foreign, 'browser/foreign')).toBeGreaterThan(0);
    await foreign.close();
  });
});
