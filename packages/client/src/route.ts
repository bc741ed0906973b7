/** Which address to try next. Pure. */
import { isServiceUrl } from './options.js';

export class Route {
  readonly #urls: readonly string[];
  /** The next of the configured addresses. */
  #index = 0;
  /** The address that worked last: tried before the others, until it fails. */
  #sticky: string | null = null;
  /** What a server recommended, best first; each is tried once. */
  #hints: string[] = [];

  constructor(urls: readonly string[]) {
    this.#urls = urls;
  }

  next(): string {
    return this.#hints.shift() ?? this.#sticky ?? this.#configured;
  }

  worked(url: string): void {
    this.#sticky = url;
    this.#hints = [];
  }

  failed(url: string): void {
    if (url === this.#sticky) this.#sticky = null;
    if (url === this.#configured) this.#index = (this.#index + 1) % this.#urls.length;
  }

  /** `from` is the address of the server that recommends; one that is reached by TLS does not lead away from TLS. */
  hint(urls: readonly string[], from: string): void {
    const isSecure = from.startsWith('wss:');
    this.#hints = urls.filter((url) => isServiceUrl(url) && (!isSecure || url.startsWith('wss:')));
  }

  get #configured(): string {
    return this.#urls[this.#index] ?? '';
  }
}
