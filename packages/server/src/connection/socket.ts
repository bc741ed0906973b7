/** One WebSocket as the rest of the server sees it. websocket.ts is the real one; tests and simulations bring their own. */
export interface Socket {
  /** Bytes accepted by send and not yet taken by the operating system. */
  readonly bufferedBytes: number;
  /** Where the peer is, for logs. */
  readonly remote: string;
  /** Sends one binary message. The bytes must not change afterwards. After a close it does nothing. */
  send(bytes: Uint8Array): void;
  ping(payload: Uint8Array): void;
  /** Starts the closing handshake; a peer that does not finish it is cut off after a bounded time. */
  close(code: number, reason: string): void;
  /** Cuts the connection now. */
  terminate(): void;
}

/** What happens on a Socket. Calls never overlap; after `onClosed` there are none. */
export interface SocketHandler {
  /** A binary message. The bytes are only valid during the call. */
  onFrame(bytes: Uint8Array): void;
  onText(): void;
  onPing(): void;
  onPong(payload: Uint8Array): void;
  /** The peer's close frame arrived, before its connection is gone. Not called when this side closed first. */
  onCloseFrame(code: number): void;
  onClosed(): void;
}
