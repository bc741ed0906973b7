/**
 * Serves the example page on http://localhost:8080/ (or the port in PORT), with the SDK bundled for browsers.
 *
 *     node examples/browser/serve.js
 *
 * A Holdfast server allows pages from loopback addresses by default; other origins need `holdfast serve --allow-origin`.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

const { outputFiles } = await build({
  entryPoints: [here('page.js')],
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  write: false,
});

const files = new Map([
  ['/', { type: 'text/html; charset=utf-8', body: readFileSync(here('index.html')) }],
  ['/page.js', { type: 'text/javascript; charset=utf-8', body: Buffer.from(outputFiles[0].contents) }],
]);

const server = createServer((request, response) => {
  const file = files.get(new URL(request.url ?? '/', 'http://localhost').pathname);
  response.writeHead(file === undefined ? 404 : 200, {
    'content-type': file?.type ?? 'text/plain',
    'content-security-policy': "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src ws: wss:",
  });
  response.end(file?.body ?? 'not found\n');
});
server.listen(Number(process.env['PORT'] ?? 8080), '127.0.0.1', () => {
  console.log(`open http://localhost:${server.address().port}/ in two windows`);
});
