import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { freePort, portToServe } from '../../src/process/port.js';

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
