import { BlockList, isIP, SocketAddress } from 'node:net';

/** A proxy adds one; only so many of the last are looked at, whatever a client sent before them. */
const HOPS_MAX = 32;

const LOOPBACK = ['127.0.0.0/8', '::1/128'] as const;
const PRIVATE = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10',
] as const;
const WORDS = new Map<string, readonly string[]>([
  ['loopback', LOOPBACK],
  ['private', PRIVATE],
]);

interface Address {
  readonly text: string;
  readonly family: 'ipv4' | 'ipv6';
}

interface Network extends Address {
  /** Bits. */
  readonly prefix: number;
}

/**
 * The networks, as `<address>/<bits>`, that TRUST_PROXY names: `true` (loopback and private addresses), `false`
 * (none), or a list with commas of addresses, networks and the words `loopback` and `private`. Undefined when it is
 * none of these.
 */
export function trustedNetworks(setting: string): readonly string[] | undefined {
  if (setting === 'true') return [...LOOPBACK, ...PRIVATE];
  if (setting === 'false') return [];
  const networks: string[] = [];
  for (const item of setting.split(',').map((one) => one.trim())) {
    const named = WORDS.get(item);
    const network = named === undefined ? parseNetwork(item) : undefined;
    if (named !== undefined) networks.push(...named);
    else if (network !== undefined) networks.push(`${network.text}/${network.prefix}`);
    else return undefined;
  }
  return networks;
}

/** Tells the clients of limits per address apart, behind proxies too. */
export class ClientAddresses {
  readonly #trusted: BlockList | undefined;
  readonly #exempt = listOf([...LOOPBACK, ...PRIVATE]);

  /** `trusted` as `trustedNetworks` gives them; of none, peers themselves are the clients. */
  constructor(trusted: readonly string[]) {
    this.#trusted = trusted.length === 0 ? undefined : listOf(trusted);
  }

  /**
   * What limits per address count by: an IPv4 address, or the /64 of an IPv6 one (`2001:db8:1:2::/64`). `peer` is the
   * other end of the connection; `forwardedFor` all values of X-Forwarded-For with commas between them, of which only
   * those count that trusted proxies wrote. Undefined when no such limit applies: for a peer on a loopback or private
   * address while no proxy is trusted, since it may be a proxy, which has everybody's address.
   */
  keyOf(peer: string, forwardedFor: string | undefined): string | undefined {
    const address = parseAddress(peer);
    if (address === undefined) return undefined;
    if (this.#trusted === undefined) return has(this.#exempt, address) ? undefined : keyOf(address);
    return keyOf(this.#clientOf(address, this.#trusted, forwardedFor));
  }

  /** From the nearest hop on, the first that is not trusted; each is known only from the one before. */
  #clientOf(peer: Address, trusted: BlockList, forwardedFor: string | undefined): Address {
    let client = peer;
    for (const hop of (forwardedFor?.split(',') ?? []).slice(-HOPS_MAX).reverse()) {
      if (!has(trusted, client)) return client;
      const next = parseAddress(withoutPort(hop.trim()));
      if (next === undefined) return peer;
      client = next;
    }
    return client;
  }
}

/** Of an IPv6 address the network, as a household or a rented machine has a whole one. */
function keyOf({ text, family }: Address): string {
  if (family === 'ipv4') return text;
  const whole = text.startsWith('::') ? `0${text}` : text;
  const given = whole.split(':').filter((group) => group !== '').length;
  const groups = whole.replace('::', `:${'0:'.repeat(8 - given)}`).split(':');
  return `${canonical(`${groups.slice(0, 4).join(':')}::`)}/64`;
}

/** An address in its shortest form, without a zone; one of IPv4 that is mapped to IPv6 is one of IPv4. */
function parseAddress(text: string): Address | undefined {
  const version = isIP(text);
  if (version === 0) return undefined;
  if (version === 4) return { text, family: 'ipv4' };
  const short = canonical(text);
  const mapped = short.startsWith('::ffff:') ? short.slice('::ffff:'.length) : '';
  return isIP(mapped) === 4 ? { text: mapped, family: 'ipv4' } : { text: short, family: 'ipv6' };
}

function canonical(ipv6: string): string {
  return new SocketAddress({ address: ipv6, family: 'ipv6' }).address;
}

function parseNetwork(text: string): Network | undefined {
  const [, before = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = parseAddress(before);
  if (address === undefined || before.includes('%')) return undefined;
  const most = address.family === 'ipv4' ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  const isMapped = address.family === 'ipv4' && before.includes(':');
  return prefix > most || (isMapped && bits !== undefined) ? undefined : { ...address, prefix };
}

/** `1.2.3.4:567`, `[2001:db8::1]:567` and `[2001:db8::1]` as some proxies write them, or what is neither. */
function withoutPort(hop: string): string {
  return /^\[(.*)\](?::\d{1,5})?$/.exec(hop)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(hop)?.[1] ?? hop;
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const one of networks) {
    const network = parseNetwork(one);
    if (network === undefined) throw new Error(`${one} is no network`);
    list.addSubnet(network.text, network.prefix, network.family);
  }
  return list;
}

function has(list: BlockList, { text, family }: Address): boolean {
  return list.check(text, family);
}
