import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Each proxy adds one hop, so longer lists come from clients; only this many of the last hops are read. */
const HOPS_MAX = 32;
/** A household or a rented machine has a whole IPv6 network of this size, so its addresses count as one client. */
const IPV6_NETWORK_BITS = 64;

const LOOPBACK = ['127.0.0.0/8', '::1/128'] as const;
const PRIVATE = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10',
] as const;
const NAMED_NETWORKS = new Map<string, readonly string[]>([
  ['loopback', LOOPBACK],
  ['private', PRIVATE],
]);

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = readonly [address: Address, bits: number];

/**
 * Reads TRUST_PROXY: `true` (loopback and private addresses), `false` (none), or a list with commas of addresses,
 * networks and the words `loopback` and `private`. Returns the networks as `<address>/<bits>`, or undefined when the
 * setting is none of these.
 */
export function trustedNetworks(setting: string): readonly string[] | undefined {
  if (setting === 'true') return [...LOOPBACK, ...PRIVATE];
  if (setting === 'false') return [];
  const networks: string[] = [];
  for (const item of setting.split(',').map((one) => one.trim())) {
    const named = NAMED_NETWORKS.get(item);
    const network = named === undefined ? parseNetwork(item) : undefined;
    if (named !== undefined) networks.push(...named);
    else if (network !== undefined) networks.push(network.join('/'));
    else return undefined;
  }
  return networks;
}

/** Tells which client a connection belongs to, also behind proxies. */
export class ClientAddresses {
  readonly #trusted: readonly Network[];
  readonly #exempt = networksOf([...LOOPBACK, ...PRIVATE]);

  /** `trusted` is what `trustedNetworks` returns. When it is empty, each peer is a client itself. */
  constructor(trusted: readonly string[]) {
    this.#trusted = networksOf(trusted);
  }

  /**
   * The key that limits per address count by: an IPv4 address, or the /64 of an IPv6 address (`2001:db8:1:2::/64`).
   * `peer` is the other end of the connection. `forwardedFor` is every value of X-Forwarded-For, joined with commas;
   * of its hops only those that trusted proxies wrote are believed. The result is undefined when these limits do not
   * apply: no proxy is trusted, and the peer has a loopback or private address, so it may be a proxy of everybody.
   */
  keyOf(peer: string, forwardedFor: string | undefined): string | undefined {
    const address = parseAddress(peer);
    if (address === undefined) return undefined;
    if (this.#trusted.length === 0) return isIn(this.#exempt, address) ? undefined : keyOf(address);
    return keyOf(this.#wayOf(address, forwardedFor).client);
  }

  /** How many trusted proxies, one behind the other, a request came through; 0 when the peer is none. */
  proxiesOf(peer: string, forwardedFor: string | undefined): number {
    const address = parseAddress(peer);
    if (address === undefined || !isIn(this.#trusted, address)) return 0;
    return Math.max(1, this.#wayOf(address, forwardedFor).proxies);
  }

  /** Walks from the peer towards the client: each hop is known only from the trusted one before it. */
  #wayOf(peer: Address, forwardedFor: string | undefined): { client: Address; proxies: number } {
    let client = peer;
    let proxies = 0;
    for (const hop of (forwardedFor?.split(',') ?? []).slice(-HOPS_MAX).reverse()) {
      if (!isIn(this.#trusted, client)) break;
      proxies += 1;
      const next = parseAddress(withoutPort(hop.trim()));
      if (next === undefined) return { client: peer, proxies };
      client = next;
    }
    return { client, proxies };
  }
}

function keyOf(address: Address): string {
  if (!('parts' in address)) return address.toString();
  const network = address.parts.map((part, index) => (index * 16 < IPV6_NETWORK_BITS ? part : 0));
  return `${new ipaddr.IPv6(network)}/${IPV6_NETWORK_BITS}`;
}

/**
 * Parses an address without its zone; an IPv4 address that is mapped to IPv6 becomes IPv4 again. Node decides what an
 * address is: ipaddr.js takes octal, hexadecimal and short forms too, which proxies do not write.
 */
function parseAddress(text: string): Address | undefined {
  if (isIP(text) === 0) return undefined;
  // ipaddr.js reads `::1.2.3.4` as if it were mapped. The leading zero keeps it what it is, an IPv6 address.
  return ipaddr.process(text.replace(/%.*/, '').replace(/^::(?=\d+\.)/, '0::'));
}

/** Networks of IPv4 addresses that are mapped to IPv6 are refused, as no peer is matched as one. */
function parseNetwork(text: string): Network | undefined {
  const [before = '', bits] = text.split('/');
  const address = parseAddress(before);
  if (address === undefined || before.includes('%')) return undefined;
  if (bits === undefined) return [address, address.toByteArray().length * 8];
  const isMapped = before.includes(':') && address.kind() === 'ipv4';
  return !isMapped && ipaddr.isValidCIDR(text) ? [address, Number(bits)] : undefined;
}

/** Some proxies write `1.2.3.4:567`, `[2001:db8::1]:567` or `[2001:db8::1]`. */
function withoutPort(hop: string): string {
  return /^\[(.*)\](?::\d{1,5})?$/.exec(hop)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(hop)?.[1] ?? hop;
}

function networksOf(texts: readonly string[]): readonly Network[] {
  return texts.map((text) => {
    const network = parseNetwork(text);
    if (network === undefined) throw new Error(`${text} is not a network`);
    return network;
  });
}

function isIn(networks: readonly Network[], address: Address): boolean {
  return networks.some(
    ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
  );
}
