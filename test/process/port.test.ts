import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePort, portToServe, whyNot } from '../../src/process/port.js';
import { exitOf, launch } from '../support/server.js';

it('free ports are different ones, on which a server can listen', async () => {
  const ports = [await freePort(), await freePort()];
  expect(new Set(ports).size).toBe(2);
  for (const port of ports) {
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
  }
});

it('the system does not hand a free port to a client, which could connect to itself', async () => {
  const [min = 0] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/).map(Number);
  expect(await freePort()).toBeLessThan(min);
});

it('the port to serve on is the configured one, or any free one for 0', async () => {
  const port = await freePort();
  expect(await portToServe({ host: '127.0.0.1', port })).toBe(port);
  expect(await portToServe({ host: '127.0.0.1', port: 0 })).toBeGreaterThan(0);
});

describe('an address that cannot be listened on is named in one line', () => {
  it.each([
    '192.0.2.1',
    '::ffff:192.0.2.1',
    'nonsense.invalid',
    '999.1.1.1',
    'localhost:80',
  ])('HOST %s', async (host) => {
    const problem = expect.stringMatching(
      /^HOST \S+ is no address of this machine \([A-Z_]+\); set it to one, such as 0\.0\.0\.0, :: or 127\.0\.0\.1$/,
    );
    await expect(portToServe({ host, port: 0 })).rejects.toMatchObject({
      name: 'OperatorError',
      message: problem,
    });
  });

  it('a port that another has, also after the engine could not have it', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const message = `port ${port} on 127.0.0.1 is in use`;
    await expect(portToServe({ host: '127.0.0.1', port })).rejects.toMatchObject({
      name: 'OperatorError',
      message,
    });
    expect(await whyNot({ host: '127.0.0.1', port })).toMatchObject({ message });
    server.close();
  });

  it('a port that this user may not have', async () => {
    // In a network of its own, ports under 1024 are for those with the capability, whatever this machine allows.
    const root = process.getuid?.() === 0;
    const through = ['unshare', '--net', ...(root ? ['setpriv', '--bounding-set=-all'] : ['--user'])];
    const { process: child, output } = launch({ HOST: '0.0.0.0', PORT: '80' }, [], { through });
    expect(await exitOf(child)).toEqual({ code: 1, signal: null });
    expect(output.text).toBe(
      'parley: port 80 on 0.0.0.0 is not for this user to listen on (EACCES); set PORT to 1024 or more, or allow it with CAP_NET_BIND_SERVICE\n',
    );
  });
});
