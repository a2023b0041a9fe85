import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';

type Algorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA';

/** A key of a login. */
export class LoginKey {
  readonly jwk: JsonWebKey;
  readonly #alg: Algorithm;
  readonly #kid: string;
  readonly #privateKey: KeyObject;

  constructor(kid: string, alg: Algorithm) {
    const { publicKey, privateKey } = keyPairOf(alg);
    this.#kid = kid;
    this.#alg = alg;
    this.#privateKey = privateKey;
    this.jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
  }

  sign(claims: Record<string, unknown>, header: object = { kid: this.#kid }): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg: this.#alg, ...header }).sign(this.#privateKey);
  }
}

/**
 * Through PEM: Node 20 keeps the lock of a key that it generates until the generation is collected as garbage, and
 * stands still for ever when that happens while the key is exported as a JWK.
 */
function keyPairOf(alg: Algorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  const { privateKey } =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : alg === 'EdDSA'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  return { publicKey: createPublicKey(pem), privateKey: createPrivateKey(pem) };
}

/** Where a login shows its keys. */
export class KeyServer {
  readonly url: string;
  /** What is answered; with another status than 200 it fails. */
  keys: readonly JsonWebKey[] = [];
  status = 200;
  /** How often it was asked. */
  asked = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    server.on('request', (_request, response) => {
      this.asked += 1;
      response.writeHead(this.status, { 'content-type': 'application/json', connection: 'close' });
      response.end(JSON.stringify({ keys: this.keys }));
    });
  }

  static start(): Promise<KeyServer> {
    const server = createServer();
    return new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve(new KeyServer(server)));
    });
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}
