/**
 * Which web pages may connect. A browser sends the page's origin with the upgrade and would let any page on the internet talk to a
 * service on its user's machine; so pages need to be allowed. Programs send no origin.
 */

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** `allowed`: origins as browsers write them (`https://app.example.com`). Pages from loopback addresses are always allowed. */
export function isAllowedOrigin(origin: string | undefined, allowed: ReadonlySet<string>): boolean {
  if (origin === undefined) return true;
  if (allowed.has(origin)) return true;
  // `null` is the origin of files and of sandboxed frames of any page: never trusted by default.
  const url = URL.canParse(origin) ? new URL(origin) : null;
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && LOOPBACK.has(url.hostname);
}
