import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SocketCallbacks } from '../src/socket.js';
import { dial } from '../src/ws-browser.js';
import { settle } from './support/virtual-clock.js';

/** As much of a browser's WebSocket as the adapter uses. */
class PageSocket {
  static readonly OPEN = 1;
  static latest: PageSocket;
  readonly url: string;
  readonly protocols: readonly string[];
  binaryType = 'blob';
  readyState = 0;
  sent: unknown[] = [];
  closes: unknown[][] = [];
  onopen: () => void = () => undefined;
  onmessage: (event: { data: unknown }) => void = () => undefined;
  onclose: (event: { code: number; reason: string }) => void = () => undefined;

  constructor(url: string, protocols: readonly string[]) {
    this.url = url;
    this.protocols = protocols;
    PageSocket.latest = this;
  }
  send(bytes: unknown): void {
    this.sent.push(bytes);
  }
  close(...args: unknown[]): void {
    this.closes.push(args);
  }
}

const calls: unknown[][] = [];
const callbacks: SocketCallbacks = {
  open: () => calls.push(['open']),
  message: (bytes) => calls.push(['message', [...bytes]]),
  text: () => calls.push(['text']),
  ping: () => calls.push(['ping']),
  closed: (...args) => calls.push(['closed', ...args]),
};

beforeEach(() => {
  calls.length = 0;
  vi.stubGlobal('WebSocket', PageSocket);
});
afterEach(() => vi.unstubAllGlobals());

describe("the socket of a browser's page", () => {
  test('sees no pings, and carries bytes both ways', () => {
    const socket = dial('ws://one/', ['holdfast.v1'], callbacks);
    const page = PageSocket.latest;
    expect([page.url, page.protocols, page.binaryType]).toEqual(['ws://one/', ['holdfast.v1'], 'arraybuffer']);
    expect(socket.seesPings).toBe(false);
    page.readyState = PageSocket.OPEN;
    page.onopen();
    page.onmessage({ data: new Uint8Array([1, 2]).buffer });
    page.onmessage({ data: 'hi' });
    socket.send(new Uint8Array([3]));
    expect(page.sent).toEqual([new Uint8Array([3])]);
    page.onclose({ code: 4409, reason: 'replaced' });
    expect(calls).toEqual([['open'], ['message', [1, 2]], ['text'], ['closed', 4409, 'replaced']]);
  });

  test('sends nothing once the socket is closing', () => {
    const socket = dial('ws://one/', [], callbacks);
    PageSocket.latest.readyState = 2;
    socket.send(new Uint8Array([3]));
    expect(PageSocket.latest.sent).toEqual([]);
  });

  test('terminate closes as one that a resume follows, and does not wait: what comes later is not told', async () => {
    const socket = dial('ws://one/', [], callbacks);
    const page = PageSocket.latest;
    socket.terminate();
    expect(page.closes).toEqual([[4100]]);
    expect(calls).toEqual([]);
    await settle();
    page.onopen();
    page.onmessage({ data: 'late' });
    page.onclose({ code: 4100, reason: '' });
    expect(calls).toEqual([['closed', 1006, '']]);
  });

  test('closes with the code it was given', () => {
    dial('ws://one/', [], callbacks).close(4100);
    expect(PageSocket.latest.closes).toEqual([[4100]]);
  });
});
