/** The port: HTTP for health, and upgrades to WebSocket, judged before they cost anything. */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { SUBPROTOCOL } from '@holdfast/protocol';
import { isAllowedOrigin } from './connection/origins.js';
import { limits } from './limits.js';

export interface HttpParts {
  readonly allowedOrigins: ReadonlySet<string>;
  /** Why this node cannot serve now; null when it can. */
  readonly notReady: () => string | null;
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

function answer(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', ...headers });
  response.end(`${text}\n`);
}

function refuse(socket: Duplex, status: string, text: string): void {
  const body = `${text}\n`;
  // Nobody else watches over this socket any more: a peer that never ends it would keep it open for good.
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function pathOf(request: IncomingMessage): string {
  const url = request.url ?? '/';
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

function offersSubprotocol(request: IncomingMessage): boolean {
  const offered = request.headers['sec-websocket-protocol'] ?? '';
  return offered.split(',').some((name) => name.trim() === SUBPROTOCOL);
}

export function createHttpServer(parts: HttpParts): Server {
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: 5_000,
    },
    (request, response) => {
      request.resume();
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        answer(response, 405, 'GET and HEAD only', { allow: 'GET, HEAD' });
        return;
      }
      switch (pathOf(request)) {
        // Alive: the event loop turns. Never about whether it can serve, or probes would restart a node that only waits.
        case '/livez':
        case '/healthz':
          answer(response, 200, 'ok');
          break;
        case '/readyz': {
          const reason = parts.notReady();
          if (reason === null) answer(response, 200, 'ok');
          else answer(response, 503, reason);
          break;
        }
        case '/':
          answer(
            response,
            426,
            `This is a Holdfast server. Connect by WebSocket with the subprotocol ${SUBPROTOCOL}.`,
            {
              upgrade: 'websocket',
            },
          );
          break;
        default:
          answer(response, 404, 'not found');
      }
    },
  );
  // Upgraded or not: what never says a word must not use up the process's descriptors.
  server.maxConnections = limits.socketsMax;
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    if (pathOf(request) !== '/') refuse(socket, '404 Not Found', 'WebSocket connections go to /');
    else if (!isAllowedOrigin(request.headers.origin, parts.allowedOrigins)) {
      refuse(socket, '403 Forbidden', 'this origin is not allowed');
    } else if (!offersSubprotocol(request)) {
      refuse(socket, '400 Bad Request', `offer the WebSocket subprotocol ${SUBPROTOCOL}`);
    } else {
      parts.upgrade(request, socket, head);
    }
  });
  server.on('clientError', (_error, socket) => {
    if (socket.writable) refuse(socket, '400 Bad Request', 'bad request');
    else socket.destroy();
  });
  return server;
}
