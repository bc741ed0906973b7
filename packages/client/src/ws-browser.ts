/** The socket port on the platform's WebSocket: browsers, workers, Deno. */
import { CloseCode } from '@holdfast/protocol';
import type { Dial, Socket, SocketCallbacks } from './socket.js';

class BrowserSocket implements Socket {
  readonly seesPings = false;
  readonly #socket: WebSocket;
  readonly #callbacks: SocketCallbacks;
  #closed = false;

  constructor(url: string, protocols: readonly string[], callbacks: SocketCallbacks) {
    this.#callbacks = callbacks;
    this.#socket = new WebSocket(url, [...protocols]);
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.onopen = () => {
      if (!this.#closed) callbacks.open();
    };
    this.#socket.onmessage = (event: MessageEvent<unknown>) => {
      if (this.#closed) return;
      if (event.data instanceof ArrayBuffer) callbacks.message(new Uint8Array(event.data));
      else callbacks.text();
    };
    // The platform says nothing about why: the close event that follows is all there is.
    this.#socket.onclose = (event: CloseEvent) => this.#end(event.code, event.reason);
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(bytes);
  }

  /** Page code may close with 1000 and 3000 to 4999 only; other codes are a RangeError of the platform. */
  close(code: number): void {
    this.#socket.close(code);
  }

  terminate(): void {
    // There is no way to drop a socket here: it is closed as one that a resume follows, and the answer is not waited for.
    this.#socket.close(CloseCode.resuming);
    queueMicrotask(() => this.#end(1006, ''));
  }

  #end(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#callbacks.closed(code, reason);
  }
}

export const dial: Dial = (url, protocols, callbacks) => new BrowserSocket(url, protocols, callbacks);
