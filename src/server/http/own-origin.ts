import type { ClientAddresses } from '../limits/client-address.js';
import { webOrigin } from './allowed-origins.js';
import type { Headers } from './headers.js';

/** The schemes that proxies name, some of them those of WebSockets, and the scheme of the page's origin. */
const SCHEMES = new Map([
  ['http', 'http'],
  ['https', 'https'],
  ['ws', 'http'],
  ['wss', 'https'],
]);

/**
 * Knows by which origin a client calls the server: its own scheme and `Host`, or those that trusted proxies forward. A
 * page of the server itself has it as its `Origin`, and so have native apps that make one up.
 */
export class OwnOrigin {
  readonly #scheme: string;
  readonly #addresses: ClientAddresses;

  constructor(tls: boolean, addresses: ClientAddresses) {
    this.#scheme = tls ? 'https' : 'http';
    this.#addresses = addresses;
  }

  /** `peer` is the other end of the connection. Undefined when the request has no host that can be one. */
  of(peer: string, headers: Headers): string | undefined {
    const proxies = this.#addresses.proxiesOf(peer, headers.get('x-forwarded-for'));
    const forwarded = (name: string) =>
      proxies === 0 ? undefined : forwardedValue(headers.get(name), proxies);
    const proto = forwarded('x-forwarded-proto')?.toLowerCase() ?? '';
    const host = forwarded('x-forwarded-host') ?? headers.get('host');
    return webOrigin(`${SCHEMES.get(proto) ?? this.#scheme}://${host}`);
  }
}

/** What the first of so many trusted proxies wrote. Each either adds a value to the list or passes it on as it is. */
function forwardedValue(list: string | undefined, proxies: number): string | undefined {
  const values = list?.split(',').map((value) => value.trim());
  return values?.at(-proxies) ?? values?.[0];
}
