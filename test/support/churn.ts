/** As many commands as the server takes: one session that acquires and releases some hundred keys at a time. */
import { MessageType, type WelcomeFacts, decodeServerFrame } from '@holdfast/protocol';
import { RawClient } from './raw-client.js';

/** Requests of a frame. */
const WIDTH = 500;

export class Churn {
  /** Acknowledged. */
  commands = 0;
  readonly #client: RawClient & { readonly welcome: WelcomeFacts };
  #first = 1;
  #left = 0;
  #isStopped = false;

  static async start(url: string): Promise<Churn> {
    const churn = new Churn(await RawClient.open(url));
    churn.#ask();
    return churn;
  }

  constructor(client: RawClient & { readonly welcome: WelcomeFacts }) {
    this.#client = client;
    // Hundreds of thousands of messages are counted only, and not kept.
    client.ws.removeAllListeners('message');
    client.ws.on('message', (bytes) => this.#arrived(bytes as Buffer));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    await this.#client[Symbol.asyncDispose]();
  }

  #arrived(bytes: Buffer): void {
    for (const [type] of decodeServerFrame(bytes)) {
      if (type !== MessageType.granted && type !== MessageType.ended) continue;
      this.commands += 1;
      this.#left -= 1;
      if (this.#left > 0) continue;
      if (type === MessageType.granted) this.#giveBack();
      else this.#ask();
    }
  }

  #ask(): void {
    if (this.#isStopped) return;
    const { session } = this.#client.welcome;
    const acked = this.#first - 1;
    this.#send((i) => [MessageType.acquire, this.#first + i, acked, `churn/${session}/${i}`, 0, null, null, 0, null]);
  }

  #giveBack(): void {
    const first = this.#first;
    this.#first += WIDTH;
    this.#send((i) => [MessageType.release, first + i]);
  }

  #send(message: (i: number) => Parameters<RawClient['send']>[number]): void {
    this.#left = WIDTH;
    this.#client.send(...Array.from({ length: WIDTH }, (_, i) => message(i)));
  }
}
