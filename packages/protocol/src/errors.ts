/** Bytes that are not a frame of PROTOCOL.md: not MessagePack, or not the shape of a message. The text says where and why, for people. */
export class BadMessage extends Error {
  override readonly name = 'BadMessage';
  readonly code = 'BAD_MESSAGE';
}
