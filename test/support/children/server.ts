/** A server in its own process. It handles no exception and no rejection on purpose: whatever escapes ends it, and that is seen. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { type ServerOptions, startServer } from '@holdfast/server';

interface Order {
  readonly kind: 'stats' | 'block' | 'close';
  readonly blockMs?: number;
}

const options = JSON.parse(process.argv[2] ?? '{}') as ServerOptions;
const server = await startServer({ host: '127.0.0.1', port: 0, logLevel: 'warn', ...options });

function say(message: object): void {
  process.send?.(message);
}

/** Memory after a collection, and the most that was resident since the last time this was asked. */
function stats(): object {
  globalThis.gc?.();
  const peakKiB = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  writeFileSync('/proc/self/clear_refs', '5');
  return {
    rssBytes: process.memoryUsage.rss(),
    peakBytes: Number(peakKiB) * 1_024,
    descriptors: readdirSync('/proc/self/fd').length,
  };
}

/** The event loop of this process does nothing else meanwhile. */
function block(blockMs: number): void {
  const end = performance.now() + blockMs;
  while (performance.now() < end);
}

process.on('message', (order: Order) => {
  switch (order.kind) {
    case 'stats':
      say({ kind: 'stats', ...stats() });
      break;
    case 'block':
      block(order.blockMs ?? 0);
      say({ kind: 'block' });
      break;
    case 'close':
      void server.close().then(() => process.disconnect());
      break;
  }
});
// The test is gone: so is its server.
process.on('disconnect', () => void server.close());
say({ kind: 'ready', url: server.url, port: server.port });
