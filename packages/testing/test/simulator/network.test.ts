import type { SocketCallbacks } from '@holdfast/client/internal';
import type { Socket, SocketHandler } from '@holdfast/server/internal';
import { beforeEach, describe, expect, it } from 'vitest';
import { Network } from '../../src/simulator/network.js';
import { SimulatedProcess } from '../../src/simulator/process.js';
import { Random } from '../../src/simulator/random.js';
import { Scheduler } from '../../src/simulator/scheduler.js';

const PROCESS = { rate: 1, wallMs: 0, timersFirst: true, tickPhase: 0 };

/** One server that accepts everybody, and what either side was told, in order. */
class Scene {
  readonly scheduler = new Scheduler();
  readonly log: string[] = [];
  readonly arrivals: number[] = [];
  readonly network: Network;
  readonly server = new SimulatedProcess(this.scheduler, PROCESS);
  readonly client = new SimulatedProcess(this.scheduler, PROCESS);
  socket: Socket | null = null;

  constructor(seed: number) {
    const delays = { minMs: 1, maxMs: 30, longChance: 0.1 };
    this.network = new Network(
      this.scheduler,
      new Random(`network ${seed}`),
      { delays, sendBufferBytes: 10 },
      {
        said: () => undefined,
        arrived: (connection) => this.arrivals.push(connection),
      },
    );
    this.network.listen(this.server, (socket) => {
      this.socket = socket;
      return this.#handler();
    });
  }

  dial(seesPings = true): ReturnType<ReturnType<Network['dialer']>> {
    return this.network.dialer(this.client, seesPings)('ws://x', [], this.#callbacks());
  }

  /** Runs `act` at this time. */
  at(atMs: number, act: () => void): void {
    this.scheduler.at(atMs, act);
  }

  #callbacks(): SocketCallbacks {
    return {
      open: () => this.log.push('client open'),
      message: (bytes) => this.log.push(`client read ${bytes.join()}`),
      text: () => this.log.push('client text'),
      ping: (payload) => this.log.push(`client ping ${payload.join()}`),
      closed: (code) => this.log.push(`client closed ${code}`),
    };
  }

  #handler(): SocketHandler {
    return {
      onFrame: (bytes) => this.log.push(`server read ${bytes.join()}`),
      onText: () => this.log.push('server text'),
      onPing: () => this.log.push('server ping'),
      onPong: (payload) => this.log.push(`server pong ${payload.join()}`),
      onCloseFrame: (code) => this.log.push(`server close frame ${code}`),
      onClosed: () => this.log.push('server closed'),
    };
  }
}

let scene: Scene;
beforeEach(() => {
  scene = new Scene(1);
});

describe('a simulated connection', () => {
  it.each([1, 2, 3, 4, 5])('keeps the order of what is sent, whatever the delays (network %i)', async (seed) => {
    scene = new Scene(seed);
    const client = scene.dial();
    scene.at(1_000, () => {
      for (let i = 1; i <= 50; i++) client.send(Uint8Array.of(i));
      for (let i = 1; i <= 50; i++) scene.socket?.send(Uint8Array.of(100 + i));
    });
    await scene.scheduler.run();
    const numbers = Array.from({ length: 50 }, (_, i) => i + 1);
    const read = (who: string): string[] => scene.log.filter((text) => text.startsWith(who));
    expect(read('server read')).toEqual(numbers.map((i) => `server read ${i}`));
    expect(read('client read')).toEqual(numbers.map((i) => `client read ${100 + i}`));
    expect(scene.arrivals).toHaveLength(50);
  });

  it('keeps the order when it stalls while something is under way', async () => {
    const client = scene.dial();
    scene.at(1_000, () => client.send(Uint8Array.of(1)));
    scene.at(1_000.5, () => scene.network.alive[0]?.up.stall(5_000));
    scene.at(1_001, () => client.send(Uint8Array.of(2)));
    scene.at(4_999, () => expect(scene.log).toEqual(['client open']));
    await scene.scheduler.run();
    expect(scene.log).toEqual(['client open', 'server read 1', 'server read 2']);
  });

  it('goes on at once when a stall heals', async () => {
    const client = scene.dial();
    scene.at(1_000, () => {
      scene.network.alive[0]?.up.stall(50_000);
      client.send(Uint8Array.of(1));
    });
    scene.at(3_000, () => scene.network.heal());
    scene.at(3_001, () => expect(scene.log).toContain('server read 1'));
    await scene.scheduler.run();
  });

  it('ends with both codes told when the client closes', async () => {
    const client = scene.dial();
    scene.at(1_000, () => client.close(4100));
    await scene.scheduler.run();
    expect(scene.log).toEqual(['client open', 'server close frame 4100', 'client closed 4100', 'server closed']);
    expect(scene.network.alive).toEqual([]);
  });

  it('ends without a close frame for the handler when the server closes', async () => {
    scene.dial();
    scene.at(1_000, () => scene.socket?.close(4410, 'over'));
    await scene.scheduler.run();
    expect(scene.log).toEqual(['client open', 'client closed 4410', 'server closed']);
  });

  it('is cut off by the side that closes when the other one does not answer', async () => {
    const client = scene.dial();
    scene.at(1_000, () => {
      for (const connection of scene.network.alive) scene.network.silence(connection);
      scene.socket?.close(4410, 'over');
      client.close(4100);
    });
    await scene.scheduler.run();
    expect(scene.log.toSorted()).toEqual(['client closed 1006', 'client open', 'server closed']);
    expect(scene.scheduler.nowMs).toBeGreaterThan(2_999);
  });

  it('tells both sides of a reset, and nobody of its silent death', async () => {
    const client = scene.dial();
    scene.at(1_000, () => scene.network.silence(scene.network.alive[0] ?? expect.fail('no connection')));
    scene.at(1_001, () => client.send(Uint8Array.of(1)));
    await scene.scheduler.run();
    expect(scene.log).toEqual(['client open']);

    scene = new Scene(2);
    scene.dial();
    scene.at(1_000, () => scene.network.reset(scene.network.alive[0] ?? expect.fail('no connection')));
    await scene.scheduler.run();
    expect(scene.log.toSorted()).toEqual(['client closed 1006', 'client open', 'server closed']);
  });

  it('carries nothing after a reset', async () => {
    const client = scene.dial();
    scene.at(1_000, () => {
      scene.network.reset(scene.network.alive[0] ?? expect.fail('no connection'));
      client.send(Uint8Array.of(1));
      scene.socket?.send(Uint8Array.of(2));
    });
    await scene.scheduler.run();
    expect(scene.log.toSorted()).toEqual(['client closed 1006', 'client open', 'server closed']);
    expect(scene.arrivals).toEqual([]);
  });

  it('shows a ping to a program like Node, which answers it in its turn', async () => {
    scene.dial();
    scene.at(900, () => scene.client.stall(1_000));
    scene.at(1_000, () => scene.socket?.ping(Uint8Array.of(7)));
    scene.at(1_899, () => expect(scene.log).toEqual(['client open']));
    await scene.scheduler.run();
    expect(scene.log).toEqual(['client open', 'client ping 7', 'server pong 7']);
  });

  it('answers a ping for a page in a browser, also while the page hangs', async () => {
    scene.dial(false);
    scene.at(900, () => scene.client.stall(100_000));
    scene.at(1_000, () => scene.socket?.ping(Uint8Array.of(7)));
    scene.at(90_000, () => expect(scene.log).toEqual(['client open', 'server pong 7']));
    await scene.scheduler.run();
    expect(scene.log).toEqual(['client open', 'server pong 7']);
  });

  it('counts as buffered what the operating system has no room for', async () => {
    scene.dial();
    scene.at(1_000, () => {
      scene.socket?.send(new Uint8Array(10));
      expect(scene.socket?.bufferedBytes).toBe(0);
      scene.socket?.send(new Uint8Array(7));
      expect(scene.socket?.bufferedBytes).toBe(7);
    });
    await scene.scheduler.run();
    expect(scene.socket?.bufferedBytes).toBe(0);
  });
});

describe('the address of the service', () => {
  it('refuses dials when nobody listens, and for as long as it is told to', async () => {
    scene.network.refuse(2_000);
    scene.dial();
    scene.at(1_999, () => expect(scene.log).toEqual(['client closed 1006']));
    scene.at(2_001, () => scene.dial());
    scene.at(4_000, () => expect(scene.log).toEqual(['client closed 1006', 'client open']));
    scene.at(4_001, () => {
      scene.network.unlisten();
      scene.dial();
    });
    await scene.scheduler.run();
    expect(scene.log).toEqual(['client closed 1006', 'client open', 'client closed 1006']);
  });

  it('a server process that dies resets its connections', async () => {
    scene.dial();
    scene.at(1_000, () => {
      scene.server.kill();
      scene.network.processDied(scene.server);
    });
    await scene.scheduler.run();
    expect(scene.log).toEqual(['client open', 'client closed 1006']);
  });

  it('a machine that dies leaves its connections half open until a packet meets the new one', async () => {
    const client = scene.dial();
    scene.at(1_000, () => {
      scene.server.kill();
      scene.network.machineDied();
    });
    scene.at(2_000, () => client.send(Uint8Array.of(1)));
    scene.at(5_000, () => expect(scene.log).toEqual(['client open']));
    scene.at(5_000, () => scene.network.machineStarted());
    await scene.scheduler.run();
    expect(scene.log).toEqual(['client open', 'client closed 1006']);
  });

  it('a dial to a machine that is down is neither refused nor accepted before it is up', async () => {
    scene.network.machineDied();
    scene.dial();
    scene.at(3_000, () => {
      expect(scene.log).toEqual([]);
      scene.network.machineStarted();
    });
    await scene.scheduler.run();
    expect(scene.log).toEqual(['client closed 1006']);
  });

  it('a client process that dies ends its connection, and its kernel refuses what still comes', async () => {
    scene.dial();
    scene.at(1_000, () => {
      scene.client.kill();
      scene.network.clientDied(scene.client);
      scene.socket?.send(Uint8Array.of(1));
    });
    await scene.scheduler.run();
    expect(scene.log).toEqual(['client open', 'server closed']);
  });
});
