/** The port to a WebSocket. Adapters: ws-node.ts and ws-browser.ts. */

export interface SocketCallbacks {
  /** The upgrade is done and the subprotocol agreed upon. At most once. */
  open(): void;
  /** One binary message. The bytes are the callee's until it returns, and are not kept. */
  message(bytes: Uint8Array): void;
  /** A text message came: no server of ours sends one. */
  text(): void;
  /**
   * A ping frame arrived. Called BEFORE the adapter sends the pong: a time that is read here is no later than the pong's
   * send time, which is what a deadline may be counted from. Never called by adapters that do not see pings.
   */
  ping(payload: Uint8Array): void;
  /** The socket is gone, or never came up. Exactly once, and the last call. `cause` is the platform's error, if there was one. */
  closed(code: number, reason: string, cause?: unknown): void;
}

export interface Socket {
  /** false: ping frames are answered by the platform and never shown to the program (browsers). */
  readonly seesPings: boolean;
  /** Only between `open` and `closed`. The bytes are not written again by the caller. */
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** Begins a close with this code. `closed` is called back when it is done, or by `terminate`. Also ends an attempt that is not open yet. */
  close(code: number): void;
  /** Ends the socket without waiting for the other side. */
  terminate(): void;
}

/** Begins to connect; never throws and calls nothing back before it has returned. */
export type Dial = (url: string, protocols: readonly string[], callbacks: SocketCallbacks) => Socket;
