import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HoldfastServer, startServer } from '../src/index.js';
import { RawClient } from './support/raw-client.js';

const ALLOWED = 'https://app.example.com';

let server: HoldfastServer;

beforeAll(async () => {
  server = await startServer({ port: 0, logLevel: 'silent', allowedOrigins: [ALLOWED] });
});

afterAll(async () => {
  await server.close();
});

function get(path: string, method = 'GET'): Promise<Response> {
  return fetch(`http://127.0.0.1:${server.port}${path}`, { method });
}

describe('HTTP', () => {
  it.each(['/livez', '/healthz', '/readyz', '/readyz?verbose'])('answers %s with 200 while it serves', async (path) => {
    const response = await get(path);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('ok\n');
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  it('answers HEAD without a body', async () => {
    const response = await get('/livez', 'HEAD');
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });

  it('answers / without an upgrade with 426, and says what is expected', async () => {
    const response = await get('/');
    expect(response.status).toBe(426);
    expect(response.headers.get('upgrade')).toBe('websocket');
    expect(await response.text()).toContain('holdfast.v1');
  });

  it('answers what is not there with 404, and other methods with 405', async () => {
    expect((await get('/nothing')).status).toBe(404);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const response = await get('/livez', method);
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe('GET, HEAD');
    }
  });

  it('cuts off a header that is not sent to its end, and one that never begins', async () => {
    const half = connect(server.port, '127.0.0.1');
    const silent = connect(server.port, '127.0.0.1');
    half.write('GET /livez HTTP/1.1\r\nHost: x\r\n');
    const closed = [half, silent].map((socket) => {
      socket.resume();
      return new Promise((resolve) => {
        socket.once('close', resolve);
      });
    });
    await Promise.all(closed);
    expect((await get('/livez')).status).toBe(200);
  });

  it('refuses headers that are too long, and what is not HTTP', async () => {
    for (const bytes of [`GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, '\u0000\u0001\u0002\r\n\r\n']) {
      const socket = connect(server.port, '127.0.0.1');
      socket.write(bytes);
      const chunks: Buffer[] = [];
      for await (const chunk of socket) chunks.push(chunk as Buffer);
      expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1.1 400 /);
    }
  });
});

describe('an upgrade', () => {
  it('with the subprotocol is accepted, and the server names it', async () => {
    const client = await RawClient.connect(server.port, { subprotocol: 'other, holdfast.v1' });
    expect(client.status).toBe(101);
    client.end();
  });

  it.each([null, 'other', 'holdfast.v2'])('that offers the subprotocol %s is refused with 400', async (subprotocol) => {
    const client = await RawClient.connect(server.port, { subprotocol });
    expect(client.status).toBe(400);
    client.end();
  });

  it('on another path is refused with 404', async () => {
    const client = await RawClient.connect(server.port, { path: '/livez' });
    expect(client.status).toBe(404);
    client.end();
  });

  it.each([ALLOWED, 'http://localhost:3000', 'http://127.0.0.1', 'https://[::1]:8443'])(
    'from %s is accepted',
    async (origin) => {
      const client = await RawClient.connect(server.port, { origin });
      expect(client.status).toBe(101);
      client.end();
    },
  );

  it.each([
    'https://evil.example.com',
    'http://app.example.com',
    'https://app.example.com.evil.com',
    'http://localhost.evil.com',
    'http://127.0.0.1.evil.com',
    'file://localhost',
    'null',
    '',
    'not a URL',
  ])('from %j is refused with 403', async (origin) => {
    const client = await RawClient.connect(server.port, { origin });
    expect(client.status).toBe(403);
    client.end();
  });

  it('that is refused leaves no connection open, even if the client never ends it', async () => {
    const own = await startServer({ port: 0, logLevel: 'silent' });
    const refused = await RawClient.connect(own.port, { subprotocol: null });
    expect(refused.status).toBe(400);
    await own.close();
    refused.end();
  });
});

describe('two servers in one process', () => {
  it('know nothing of each other, and one port is never served by both', async () => {
    const other = await startServer({ port: 0, logLevel: 'silent' });
    const here = await RawClient.open(server.port);
    const there = await RawClient.open(other.port);
    here.say([2, 1, 0, 'a', 0, null, null, 0, null]);
    there.say([2, 1, 0, 'a', 0, null, null, 0, null]);
    expect((await here.hear())[0]?.[0]).toBe(66);
    expect((await there.hear())[0]?.[0]).toBe(66);
    await expect(startServer({ port: other.port, logLevel: 'silent' })).rejects.toThrow('EADDRINUSE');
    here.end();
    there.end();
    await other.close();
  });
});
