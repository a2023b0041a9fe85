import { describe, expect, it } from 'vitest';
import { ClientAddresses, trustedNetworks } from '../../../src/server/limits/client-address.js';

/** The key of a client, with TRUST_PROXY set to this. */
function keyOf(trustProxy: string, peer: string, forwardedFor?: string): string | undefined {
  const trusted = trustedNetworks(trustProxy);
  if (trusted === undefined) throw new Error(`${trustProxy} is refused`);
  return new ClientAddresses(trusted).keyOf(peer, forwardedFor);
}

const many = (count: number, hop: string) => Array<string>(count).fill(hop).join(', ');

describe('TRUST_PROXY', () => {
  const loopback = ['127.0.0.0/8', '::1/128'];
  const local = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', 'fc00::/7', 'fe80::/10'];
  it.each<[setting: string, networks: string[] | undefined]>([
    ['true', [...loopback, ...local]],
    ['false', []],
    ['loopback', loopback],
    ['private', local],
    ['private, loopback', [...local, ...loopback]],
    ['192.0.2.1', ['192.0.2.1/32']],
    ['2001:DB8::0:1', ['2001:db8::1/128']],
    ['10.0.0.0/8,::1', ['10.0.0.0/8', '::1/128']],
    [' 192.0.2.0/24 ,\t2001:db8::/32 ', ['192.0.2.0/24', '2001:db8::/32']],
    ['::ffff:192.0.2.1', ['192.0.2.1/32']],
    ['0.0.0.0/0,::/0', ['0.0.0.0/0', '::/0']],
    ...[
      'yes',
      '1',
      'True',
      'true,10.0.0.1',
      'false,10.0.0.1',
      'Loopback',
      'linklocal',
      'proxy.example',
      '*',
      ',',
      '10.0.0.1,',
      '10.0.0.1 10.0.0.2',
      '10.0.0.1;10.0.0.2',
      '10.0.0',
      '10.0.0.256',
      '10.0.0.01',
      '10.0.0.1:80',
      '10.0.0.0/33',
      '10.0.0.0/',
      '10.0.0.0/-1',
      '10.0.0.0/8/8',
      '10.0.0.0/255.0.0.0',
      '/8',
      '[::1]',
      '::1/129',
      '::ffff:10.0.0.0/104',
      'fe80::1%eth0',
      ':::',
    ].map((setting): [string, undefined] => [setting, undefined]),
  ])('%s is %j', (setting, networks) => {
    expect(trustedNetworks(setting)).toEqual(networks);
  });
});

describe('what is counted by when no proxy is trusted', () => {
  it.each([
    ['an IPv4 address', '192.0.2.1', '192.0.2.1'],
    ['one that the engine maps', '0000:0000:0000:0000:0000:ffff:c000:0201', '192.0.2.1'],
    ['one that is mapped', '::FFFF:192.0.2.1', '192.0.2.1'],
    [
      'the /64 of an address as the engine writes it',
      '2001:0db8:0001:0002:0003:0004:0005:0006',
      '2001:db8:1:2::/64',
    ],
    ['the same of another in it', '2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['of the next one', '2001:db8:1:3::', '2001:db8:1:3::/64'],
    ['in small letters', '2001:DB8:A:B::1', '2001:db8:a:b::/64'],
    ['with zeros within it', '2001:db8::1', '2001:db8::/64'],
    ['with zeros before what counts', '2001:0:0:2::', '2001:0:0:2::/64'],
    ['with a zero at its end', '2001:db8:1:0:2:3:4:5', '2001:db8:1::/64'],
    ['of one that begins with zeros', '::2', '::/64'],
    ['of one with IPv4 at its end', '64:ff9b::192.0.2.1', '64:ff9b::/64'],
    ['of one with IPv4 at its end alone, which is not mapped', '::10.0.0.1', '::/64'],
  ])('is %s', (_what, peer, key) => {
    expect(keyOf('false', peer)).toBe(key);
    expect(keyOf('false', peer, '198.51.100.9')).toBe(key);
    expect(keyOf('192.0.2.77', peer, '198.51.100.9')).toBe(key);
  });

  it.each([
    '127.0.0.1',
    '127.255.255.255',
    '10.1.2.3',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.1.1',
    '::1',
    '0000:0000:0000:0000:0000:0000:0000:0001',
    '0000:0000:0000:0000:0000:ffff:7f00:0001',
    '::ffff:10.0.0.1',
    'fd12:3456::1',
    'fe80::1',
    'fe80::1%eth0',
  ])('is nothing for %s, which may be a proxy', (peer) => {
    expect(keyOf('false', peer)).toBeUndefined();
    expect(keyOf('false', peer, '198.51.100.9')).toBeUndefined();
  });

  it.each([
    '126.255.255.255',
    '128.0.0.0',
    '11.0.0.0',
    '172.32.0.0',
    '192.169.0.0',
    '100.64.0.1',
  ])('is %s, which is next to such addresses', (peer) => {
    expect(keyOf('false', peer)).toBe(peer);
  });

  it.each(['', 'unknown', '1.2.3', '[::1]', '192.0.2.1:80'])('is nothing for a peer that is %j', (peer) => {
    for (const setting of ['false', 'true', '0.0.0.0/0'])
      expect(keyOf(setting, peer, '198.51.100.9')).toBeUndefined();
  });
});

describe('what is counted by when proxies are trusted', () => {
  it.each<[what: string, setting: string, peer: string, forwardedFor: string | undefined, key: string]>([
    ['the peer that no proxy is', 'true', '192.0.2.1', '198.51.100.9', '192.0.2.1'],
    ['also a private one', '10.0.0.1', '10.0.0.2', '198.51.100.9', '10.0.0.2'],
    ['also a loopback one', '10.0.0.1', '127.0.0.1', '198.51.100.9', '127.0.0.1'],
    ['the proxy that names nobody', 'true', '10.0.0.1', undefined, '10.0.0.1'],
    ['the proxy that names an empty list', 'true', '10.0.0.1', '', '10.0.0.1'],
    ['whom the proxy names', 'true', '127.0.0.1', '198.51.100.9', '198.51.100.9'],
    ['whom a mapped proxy names', '10.0.0.0/8', '::ffff:10.0.0.1', '198.51.100.9', '198.51.100.9'],
    ['whom a proxy on IPv6 names', 'loopback', '::1', '198.51.100.9', '198.51.100.9'],
    ['whom a proxy in a network names', '2001:db8::/32', '2001:db8:ffff::1', '2001:db9::1', '2001:db9::/64'],
    [
      'the peer beside that network',
      '2001:db8::/32',
      '2001:db9:ffff::1',
      '198.51.100.9',
      '2001:db9:ffff::/64',
    ],
    ['a client in a private network', '127.0.0.1', '127.0.0.1', '192.168.1.7', '192.168.1.7'],
    ['the last, whatever the client said', 'true', '10.0.0.1', '203.0.113.5, 198.51.100.9', '198.51.100.9'],
    [
      'the last, if the client said a proxy',
      'true',
      '10.0.0.1',
      '203.0.113.5, 10.0.0.9, 198.51.100.9',
      '198.51.100.9',
    ],
    ['whom the first of two proxies names', 'true', '10.0.0.1', '198.51.100.9, 10.0.0.2', '198.51.100.9'],
    [
      'whom the first of three names',
      'true',
      '10.0.0.1',
      '203.0.113.5,198.51.100.9,10.0.0.3,10.0.0.2',
      '198.51.100.9',
    ],
    ['the farthest when all are trusted', 'true', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    [
      'everybody trusted: what is said first',
      '0.0.0.0/0',
      '10.0.0.1',
      '203.0.113.5, 198.51.100.9',
      '203.0.113.5',
    ],
    ['an address with a port', 'true', '10.0.0.1', '198.51.100.9:4711', '198.51.100.9'],
    ['an address in brackets', 'true', '10.0.0.1', '[2001:db8::1]', '2001:db8::/64'],
    ['an address in brackets with a port', 'true', '10.0.0.1', '[2001:db8::1]:4711', '2001:db8::/64'],
    ['an address in capitals', 'true', '10.0.0.1', '2001:DB8:A::1', '2001:db8:a::/64'],
    ['an address with a zone', '127.0.0.1', '127.0.0.1', 'fe80::1%eth0', 'fe80::/64'],
    ['a mapped address', 'true', '10.0.0.1', '::ffff:198.51.100.9', '198.51.100.9'],
    ['a mapped address in capitals and brackets', 'true', '10.0.0.1', '[::FFFF:C633:6409]:1', '198.51.100.9'],
    ['an address among blanks', 'true', '10.0.0.1', ' \t198.51.100.9 ', '198.51.100.9'],
    [
      'the client, of 200 entries before it',
      'true',
      '10.0.0.1',
      `${many(200, '203.0.113.5')}, 198.51.100.9`,
      '198.51.100.9',
    ],
    [
      'the thirty-second from the end',
      'true',
      '10.0.0.1',
      `198.51.100.9, ${many(31, '10.0.0.2')}`,
      '198.51.100.9',
    ],
    ['none beyond that', 'true', '10.0.0.1', `198.51.100.9, ${many(32, '10.0.0.2')}`, '10.0.0.2'],
    ...[
      'unknown',
      '_hidden',
      'localhost',
      '198.51.100',
      '198.51.100.9.1',
      '198.51.100.256',
      '198.51.100.9:123456',
      '198.51.100.9:x',
      '198.51.100.9/32',
      '"198.51.100.9"',
      'for=198.51.100.9',
      '0x7f.1',
      '[198.51.100.9',
      '2001:db8::1]',
      '2001:db8::1::2',
      '198.51.100.9,',
      '198.51.100.9 203.0.113.5',
      '198.51.100.9; 203.0.113.5',
      '\x00',
      'é',
    ].map((hop): [string, string, string, string, string] => [
      `the peer, of a list that ends in ${JSON.stringify(hop)}`,
      'true',
      '10.0.0.1',
      `203.0.113.5, ${hop}`,
      '10.0.0.1',
    ]),
    ['the peer, when what a proxy was told is none', 'true', '10.0.0.1', 'unknown, 10.0.0.2', '10.0.0.1'],
    ['the client, of junk before it', 'true', '10.0.0.1', 'unknown, ,;"x, 198.51.100.9', '198.51.100.9'],
  ])('is %s', (_what, setting, peer, forwardedFor, key) => {
    expect(keyOf(setting, peer, forwardedFor)).toBe(key);
  });
});
