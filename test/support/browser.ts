/** A browser, and a web site on loopback that gives it pages with the SDK. */
import { existsSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type BuildResult, build } from 'esbuild';
import { type Browser, type Page, chromium } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
const PAGE = fileURLToPath(new URL('../browser/page.ts', import.meta.url));

export const isChromiumMissing: boolean = !existsSync(CHROMIUM);

/** A name that the browser resolves to loopback: a page from there is foreign to a server on loopback. */
export const FOREIGN_HOST = 'pages.example.test';

export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--host-resolver-rules=MAP ${FOREIGN_HOST} 127.0.0.1`,
    ],
  });
}

/** The page's program as an application would bundle it. */
export function bundlePage(): Promise<BuildResult<{ write: false; metafile: true }>> {
  return build({
    entryPoints: [PAGE],
    bundle: true,
    minify: true,
    platform: 'browser',
    conditions: ['browser'],
    format: 'esm',
    target: 'es2022',
    write: false,
    metafile: true,
    logLevel: 'warning',
  });
}

export class Site {
  readonly #server: Server;
  /** What any page complained about: errors, refused connections of its policy, its console. */
  readonly complaints: string[] = [];

  static async start(program: Uint8Array): Promise<Site> {
    const site = new Site(program);
    await new Promise<void>((resolve) => {
      site.#server.listen(0, '127.0.0.1', resolve);
    });
    return site;
  }

  constructor(program: Uint8Array) {
    this.#server = createServer((request, response) => {
      // Strict: scripts of this site only, no eval, and connections by WebSocket only.
      response.setHeader('content-security-policy', "default-src 'none'; script-src 'self'; connect-src ws:");
      if (request.url === '/page.js') {
        response.setHeader('content-type', 'text/javascript').end(program);
      } else if (request.url === '/') {
        const html = '<!doctype html><title>A page</title><script type="module" src="/page.js"></script>';
        response.setHeader('content-type', 'text/html').end(html);
      } else {
        response.writeHead(204).end();
      }
    });
  }

  origin(host = '127.0.0.1'): string {
    return `http://${host}:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A new tab with the page. */
  async open(browser: Browser, host?: string): Promise<Page> {
    const page = await browser.newPage();
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
    await page.goto(this.origin(host));
    await page.waitForFunction(() => 'holdfastPage' in window);
    return page;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}
