import { expect } from 'vitest';
import { ALICE, BOB, CHAT } from '../conformance/http/case.js';
import { TestServer } from '../support/server.js';
import { stopUnharmed } from '../support/strict.js';
import { TestUser } from '../support/user.js';
import { type ProxyName, type Replacement, TestProxy } from './proxy.js';
import { Relay } from './relay.js';

/** Who sends hundreds of bodies in chunks at once is here not to be told that these are too many. */
const MORE: Readonly<Record<ProxyName, readonly Replacement[]>> = {
  nginx: [['limit_conn large 16;', 'limit_conn large 1000;']],
  haproxy: [],
};

/** A server behind a real proxy, with what passes between the two kept. */
export class Behind {
  readonly server: TestServer;
  readonly relay: Relay;
  readonly proxy: TestProxy;
  /** They talk to the proxy, and have a chat. */
  readonly alice: TestUser;
  readonly bob: TestUser;

  private constructor(server: TestServer, relay: Relay, proxy: TestProxy, alice: TestUser, bob: TestUser) {
    this.server = server;
    this.relay = relay;
    this.proxy = proxy;
    this.alice = alice;
    this.bob = bob;
  }

  static async open(name: ProxyName): Promise<Behind> {
    // What the clients of the tests, which is fetch and ws, know the proxy by.
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    const server = await TestServer.start({
      workers: 1,
      env: { TRUST_PROXY: 'loopback', AUTH_QUERY_TOKEN: 'true', ALLOWED_ORIGINS: 'https://chat.example' },
    });
    const relay = await Relay.open(server.port);
    const proxy = await TestProxy.start(name, relay.port, MORE[name]);
    const [alice, bob] = [await server.user('Alice'), await server.user('Bob')];
    expect([alice.id, bob.id, await alice.chatWith(bob)]).toEqual([ALICE, BOB, CHAT]);
    return new Behind(server, relay, proxy, through(proxy, alice), through(proxy, bob));
  }

  /** A new user with a profile, who talks to the proxy. */
  async user(name: string): Promise<TestUser> {
    return through(this.proxy, await this.server.user(name));
  }

  async stranger(name: string): Promise<TestUser> {
    return through(this.proxy, await this.server.stranger(name));
  }

  async close(): Promise<void> {
    await this.proxy.stop();
    this.relay.close();
    await stopUnharmed(this.server);
  }
}

function through({ url }: TestProxy, { token, id, name }: TestUser): TestUser {
  return new TestUser(url, token, id, name);
}

export type CurrentBehind = () => Behind;
