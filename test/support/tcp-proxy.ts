/**
 * A network that can stand still and that can break. It lies between a client and a server on loopback. Bytes of a connection that lives are
 * never lost, doubled or reordered, as TCP has it: they are late, or the connection is reset.
 */
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';

export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #isStalled = false;
  #isCut = false;

  static async start(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    await new Promise<void>((resolve) => {
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  constructor(targetPort: number) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      if (this.#isCut) near.resetAndDestroy();
      else this.#join(near, connect({ host: '127.0.0.1', port: targetPort, allowHalfOpen: true, noDelay: true }));
    });
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on nothing passes. New connections are accepted and hear nothing. */
  stall(): void {
    this.#isStalled = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  /** What stood still passes now, and everything after it. */
  flow(): void {
    this.#isStalled = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  /** Resets all connections. New ones are as good as ever. */
  reset(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
  }

  /** Resets all connections, and new ones too until `mend`. */
  cut(): void {
    this.#isCut = true;
    this.reset();
  }

  mend(): void {
    this.#isCut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.reset();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  #join(near: Socket, far: Socket): void {
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    this.#carry(near, far, pair);
    this.#carry(far, near, pair);
    if (this.#isStalled) for (const socket of pair) socket.pause();
  }

  #carry(from: Socket, to: Socket, pair: readonly [Socket, Socket]): void {
    from.on('data', (bytes) => {
      if (!to.write(bytes)) from.pause();
    });
    to.on('drain', () => {
      if (!this.#isStalled) from.resume();
    });
    from.on('end', () => to.end());
    from.on('error', () => to.resetAndDestroy());
    from.on('close', () => this.#pairs.delete(pair));
  }
}
