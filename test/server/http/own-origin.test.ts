import type { HttpRequest } from 'uWebSockets.js';
import { describe, expect, it } from 'vitest';
import { Headers } from '../../../src/server/http/headers.js';
import { OwnOrigin } from '../../../src/server/http/own-origin.js';
import { ClientAddresses, trustedNetworks } from '../../../src/server/limits/client-address.js';

type Fields = readonly (readonly [name: string, value: string])[];

interface Asked {
  readonly tls?: boolean;
  readonly trustProxy?: string;
  readonly peer?: string;
}

/** The origin that a request with these fields came to. */
function ownOrigin(fields: Fields, { tls = false, trustProxy = 'false', peer = '192.0.2.1' }: Asked = {}) {
  const request = {
    forEach(each: (name: string, value: string) => void) {
      for (const field of fields) each(...field);
    },
  };
  const addresses = new ClientAddresses(trustedNetworks(trustProxy) ?? []);
  return new OwnOrigin(tls, addresses).of(peer, new Headers(request as HttpRequest));
}

describe('the origin that a request came to', () => {
  it.each([
    ['chat.example', 'http://chat.example', 'https://chat.example'],
    ['chat.example:8080', 'http://chat.example:8080', 'https://chat.example:8080'],
    ['chat.example:80', 'http://chat.example', 'https://chat.example:80'],
    ['chat.example:443', 'http://chat.example:443', 'https://chat.example'],
    ['Chat.Example', 'http://chat.example', 'https://chat.example'],
    ['127.0.0.1:8080', 'http://127.0.0.1:8080', 'https://127.0.0.1:8080'],
    ['[::1]:8080', 'http://[::1]:8080', 'https://[::1]:8080'],
    ['[2001:DB8::0:1]', 'http://[2001:db8::1]', 'https://[2001:db8::1]'],
    ['chat.example.', 'http://chat.example.', 'https://chat.example.'],
  ])('is, of the host %s, %s or with TLS %s', (host, plain, secure) => {
    expect(ownOrigin([['host', host]])).toBe(plain);
    expect(ownOrigin([['host', host]], { tls: true })).toBe(secure);
  });

  it.each([
    '',
    ' ',
    'chat.example/path',
    'chat.example?a',
    'chat.example#a',
    'user@chat.example',
    'chat.example:port',
    'chat.example:99999',
    'a b',
    'a,b',
    '[::1',
    '::1',
    'bücher.example',
    'a%2fb',
    '*',
  ])('is none of the host %j', (host) => {
    expect(ownOrigin([['host', host]])).toBeUndefined();
  });

  const forwarded: Fields = [
    ['host', '127.0.0.1:8080'],
    ['x-forwarded-proto', 'https'],
    ['x-forwarded-host', 'chat.example'],
  ];

  it('is what a trusted proxy forwards, and nobody else', () => {
    expect(ownOrigin(forwarded)).toBe('http://127.0.0.1:8080');
    expect(ownOrigin(forwarded, { trustProxy: 'loopback' })).toBe('http://127.0.0.1:8080');
    expect(ownOrigin(forwarded, { trustProxy: 'loopback', peer: '::ffff:127.0.0.1' })).toBe(
      'https://chat.example',
    );
    expect(ownOrigin(forwarded, { trustProxy: '192.0.2.0/24' })).toBe('https://chat.example');
    expect(ownOrigin(forwarded, { peer: '' })).toBe('http://127.0.0.1:8080');
  });

  const behind = { trustProxy: '192.0.2.0/24' };
  it.each<[what: string, Fields, string | undefined]>([
    ['a scheme in capitals', [['x-forwarded-proto', 'HTTPS']], 'https://own.example'],
    ['the scheme of a WebSocket', [['x-forwarded-proto', 'wss']], 'https://own.example'],
    ['the scheme of one without TLS', [['x-forwarded-proto', 'ws']], 'http://own.example'],
    ['a scheme that is none', [['x-forwarded-proto', 'gopher']], 'http://own.example'],
    ['an empty scheme', [['x-forwarded-proto', '']], 'http://own.example'],
    ['a host with its port', [['x-forwarded-host', 'chat.example:8443']], 'http://chat.example:8443'],
    ['a host that is none', [['x-forwarded-host', 'chat.example/']], undefined],
    ['nothing', [], 'http://own.example'],
  ])('behind a proxy takes %s', (_what, fields, origin) => {
    expect(ownOrigin([['host', 'own.example'], ...fields], behind)).toBe(origin);
  });

  it.each<[what: string, forwardedFor: string, proto: string, host: string, origin: string]>([
    [
      'what the client claimed before it',
      '203.0.113.9',
      'http, https',
      'evil.example, chat.example',
      'https://chat.example',
    ],
    [
      'two proxies that each add',
      '203.0.113.9, 192.0.2.2',
      'https, http',
      'chat.example, inner',
      'https://chat.example',
    ],
    ['two of which one adds', '203.0.113.9, 192.0.2.2', 'https', 'chat.example', 'https://chat.example'],
    [
      'a claim, and two that add',
      '203.0.113.9, 192.0.2.2',
      'ws,https,http',
      'evil,chat.example,inner',
      'https://chat.example',
    ],
    [
      'a claimed address too',
      '192.0.2.3, 203.0.113.9',
      'http,https',
      'evil,chat.example',
      'https://chat.example',
    ],
    ['hops that are no addresses', 'unknown', 'http, https', 'evil, chat.example', 'https://chat.example'],
  ])('of several values is what the first trusted proxy wrote: %s', (_what, hops, proto, host, origin) => {
    const fields: Fields = [
      ['host', 'own.example'],
      ['x-forwarded-for', hops],
      ['x-forwarded-proto', proto],
      ['x-forwarded-host', host],
    ];
    expect(ownOrigin(fields, behind)).toBe(origin);
    // The same as fields of one value each.
    const apart = fields.flatMap(([name, values]) =>
      values.split(',').map((value): [string, string] => [name, value.trim()]),
    );
    expect(ownOrigin(apart, behind)).toBe(origin);
  });
});
