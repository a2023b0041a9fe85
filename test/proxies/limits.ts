import { expect, it } from 'vitest';
import { TestServer } from '../support/server.js';
import { stopUnharmed } from '../support/strict.js';
import { TestUser } from '../support/user.js';
import { type ProxyName, TestProxy } from './proxy.js';

/** Limits per address, of a server that trusts the proxy. */
export function limits(name: ProxyName): void {
  it('counts a client by its own address, whatever it says of itself', async () => {
    const server = await TestServer.start({
      workers: 1,
      env: { TRUST_PROXY: 'loopback', FAILED_LOGINS_PER_MINUTE_PER_ADDRESS_MAX: '3' },
    });
    const proxy = await TestProxy.start(name, server.port);
    const attempt = async (url: string, claimed: string) => {
      const nobody = new TestUser(url, 'no.token.at-all', 0, 'Nobody');
      return (await nobody.send('GET', '/user', undefined, { 'x-forwarded-for': claimed })).status;
    };
    const statuses: number[] = [];
    for (const claimed of ['203.0.113.1', '203.0.113.2', '203.0.113.3, 10.0.0.1', '203.0.113.4'])
      statuses.push(await attempt(proxy.url, claimed));
    expect(statuses).toEqual([401, 401, 401, 429]);
    // What a proxy says is another client is one.
    expect(await attempt(server.url, '203.0.113.1')).toBe(401);
    await proxy.stop();
    await stopUnharmed(server);
  });
}
