/**
 * The client's end of a simulated connection, behind the SDK's socket port. Two kinds: like ws-node.ts, whose program sees pings and
 * answers them itself, and like ws-browser.ts, whose platform answers them, also while the page hangs.
 */
import type { Socket, SocketCallbacks } from '@holdfast/client/internal';
import { CloseCode } from '@holdfast/protocol';
import type { Packet } from './pipe.js';
import type { SimulatedProcess } from './process.js';

/** As `closeTimeout` in ws-node.ts: how long the end of a connection may take once its close has begun. */
const CLOSE_MS = 1_000;
/** RFC 6455: there was no close frame. */
const ABNORMAL = 1006;

export class ClientSocket implements Socket {
  readonly seesPings: boolean;
  readonly #process: SimulatedProcess;
  readonly #send: (packet: Packet) => void;
  readonly #callbacks: SocketCallbacks;
  #state: 'connecting' | 'open' | 'closing' | 'closed' = 'connecting';
  /** What the server's close frame said. */
  #code = ABNORMAL;
  #reason = '';
  #cause: Error | undefined;
  #told = false;

  constructor(
    process: SimulatedProcess,
    seesPings: boolean,
    callbacks: SocketCallbacks,
    send: (packet: Packet) => void,
  ) {
    this.#process = process;
    this.seesPings = seesPings;
    this.#callbacks = callbacks;
    this.#send = send;
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#state === 'open') this.#send({ kind: 'frame', bytes });
  }

  close(code: number): void {
    if (this.#state === 'connecting') this.#abort(new Error('closed before the connection was established'));
    else if (this.#state === 'open') this.#beginClose(code, '');
  }

  terminate(): void {
    if (!this.seesPings) {
      this.close(CloseCode.resuming);
      queueMicrotask(() => this.#tell(ABNORMAL, ''));
    } else if (this.#state !== 'closed') {
      this.#abort(undefined);
    }
  }

  /** A packet reached the machine of the client. */
  arrived(packet: Packet): void {
    if (this.#process.isDead) {
      // The kernel answers for a process that is gone.
      if (packet.kind !== 'reset' && packet.kind !== 'fin') this.#send({ kind: 'reset' });
    } else if (packet.kind === 'ping' && !this.seesPings) {
      if (this.#state === 'open') this.#send({ kind: 'pong', bytes: packet.bytes });
    } else {
      this.#process.deliver(() => this.#receive(packet));
    }
  }

  #receive(packet: Packet): void {
    if (this.#state === 'closed') return;
    switch (packet.kind) {
      case 'accept':
        if (this.#state !== 'connecting') return;
        this.#state = 'open';
        if (!this.#told) this.#callbacks.open();
        return;
      case 'frame':
        if (!this.#told) this.#callbacks.message(packet.bytes);
        return;
      case 'ping':
        this.#callbacks.ping(packet.bytes);
        if (this.#state === 'open') this.#send({ kind: 'pong', bytes: packet.bytes });
        return;
      case 'close':
        this.#code = packet.code;
        this.#reason = packet.reason;
        if (this.#state === 'open') this.#beginClose(packet.code, '');
        return;
      case 'fin':
        this.#send({ kind: 'fin' });
        this.#end();
        return;
      case 'reset':
        this.#cause = new Error(this.#state === 'connecting' ? 'ECONNREFUSED' : 'ECONNRESET');
        this.#end();
        return;
      case 'dial':
      case 'pong':
        throw new Error(`a server does not send a ${packet.kind}`);
    }
  }

  #beginClose(code: number, reason: string): void {
    this.#state = 'closing';
    this.#send({ kind: 'close', code, reason });
    this.#process.setTimer(CLOSE_MS, () => {
      if (this.#state === 'closed') return;
      this.#send({ kind: 'reset' });
      this.#end();
    });
  }

  #abort(cause: Error | undefined): void {
    this.#cause = cause;
    this.#send({ kind: 'reset' });
    this.#state = 'closed';
    this.#process.deliver(() => this.#tell(this.#code, this.#reason));
  }

  #end(): void {
    this.#state = 'closed';
    this.#tell(this.#code, this.#reason);
  }

  #tell(code: number, reason: string): void {
    if (this.#told) return;
    this.#told = true;
    this.#callbacks.closed(code, reason, this.#cause);
  }
}
