import { describe, expect, test } from 'vitest';
import { peek, quiet, scenario } from './support/scenario.js';
import { settle } from './support/virtual-clock.js';

describe('refusals that are to be tried again', () => {
  test('an acquire that the log did not take is said again after a delay that grows', async () => {
    const s = await scenario({ random: () => 0.999_999 });
    const acquiring = quiet(s.client.acquire('k'));
    await settle();
    const first = s.socket.take();
    s.socket.say([70, 2, 1, 'UNAVAILABLE', 'same-request', 'later']);
    await s.clock.advance(49);
    expect(s.socket.take()).toEqual([]);
    await s.clock.advance(1);
    expect(s.socket.take()).toEqual(first);
    s.socket.say([70, 2, 1, 'UNAVAILABLE', 'same-request', 'later']);
    await s.clock.advance(99);
    expect(s.socket.take()).toEqual([]);
    await s.clock.advance(1);
    expect(s.socket.take()).toEqual(first);
    s.socket.say([66, 1, 10]);
    expect((await acquiring).token).toBe(10);
    void s.client.acquire('j');
    await settle();
    const next = s.socket.take();
    s.socket.say([70, 2, 2, 'UNAVAILABLE', 'same-request', 'later']);
    await s.clock.advance(50);
    expect(s.socket.take()).toEqual(next);
  });

  test('a delay that has not passed when the connection breaks does not harm the next one', async () => {
    const s = await scenario({ random: () => 0.999_999 });
    void s.client.acquire('k');
    await settle();
    s.socket.say([70, 2, 1, 'UNAVAILABLE', 'same-request', 'later']);
    await s.clock.advance(50);
    s.socket.say([70, 2, 1, 'INTERNAL', 'after-reconnect', 'oops']);
    s.socket.drop();
    await s.clock.advance(50);
    s.socket.open();
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], true]);
    await s.clock.advance(1_000);
    expect(s.network.sockets).toHaveLength(2);
    expect(s.socket.take().filter(([type]) => type === 2)).toHaveLength(1);
  });

  test('its wait goes on meanwhile, and ends here because the service does not have it', async () => {
    const s = await scenario();
    const acquiring = quiet(s.client.acquire('k', { wait: 300 }));
    await settle();
    const refuse = (): void => s.socket.say([70, 2, 1, 'UNAVAILABLE', 'same-request', 'later']);
    refuse();
    for (let i = 0; i < 20; i++) {
      await s.clock.advance(15);
      if (s.socket.take().length > 0) refuse();
    }
    expect(await peek(acquiring)).toMatchObject({ code: 'WAIT_TIMEOUT' });
    s.socket.take();
    const next = quiet(s.client.acquire('k'));
    await settle();
    expect(s.socket.take().map(([type, number]) => [type, number])).toContainEqual([2, 2]);
    s.socket.say([66, 2, 11]);
    expect((await next).token).toBe(11);
  });

  test('an error that asks for a new connection gets one, and the request is said again there', async () => {
    const s = await scenario();
    const acquiring = quiet(s.client.acquire('k'));
    await settle();
    const old = s.socket;
    old.say([70, 2, 1, 'INTERNAL', 'after-reconnect', 'oops']);
    await s.clock.advance(100);
    expect(old.closedWith).toBe(4100);
    expect(s.network.sockets).toHaveLength(2);
    s.socket.open();
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], true]);
    await settle();
    expect(s.socket.take()).toMatchObject([
      [1, { session: 's1' }],
      [2, 1, 0, 'k', 0, null, null, 0, null],
    ]);
    s.socket.say([66, 1, 10]);
    expect((await acquiring).token).toBe(10);
  });
});
