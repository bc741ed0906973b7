/** Session ids and resume secrets. Ids are public names; secrets are kept by the client, and only their hash here. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { SECRET_BYTES } from '@holdfast/protocol';

/** Where randomness comes from; a simulation brings its own. */
export type RandomBytes = (count: number) => Uint8Array;

export const systemRandomBytes: RandomBytes = (count) => randomBytes(count);

/** 96 random bits, URL-safe. */
export function newSessionId(random: RandomBytes): string {
  return Buffer.from(random(12)).toString('base64url');
}

export function newSecret(random: RandomBytes): Uint8Array {
  return Uint8Array.from(random(SECRET_BYTES));
}

/** SHA-256 of a secret, base64. A secret has 128 random bits, so a plain hash is enough. */
export function hashSecret(secret: Uint8Array): string {
  return createHash('sha256').update(secret).digest('base64');
}

/** Compares hashes in constant time. */
export function sameHash(a: string, b: string): boolean {
  const left = Buffer.from(a, 'base64');
  const right = Buffer.from(b, 'base64');
  return left.length === right.length && timingSafeEqual(left, right);
}
