import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Absolute paths of files in PEM: the certificate with its chain, and its key. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** Returns what is wrong with the files that TLS_CERT and TLS_KEY name. The engine does not say it. */
export function problemsOfTls(files: TlsFiles): string[] {
  const problems: string[] = [];
  const certificate = tryRead(
    () => new X509Certificate(readFileSync(files.cert)),
    (why) => problems.push(`TLS_CERT is no file that holds a certificate in PEM${why}`),
  );
  const privateKey = tryRead(
    () => createPrivateKey(readFileSync(files.key)),
    (why) => problems.push(`TLS_KEY is no file that holds a private key in PEM, unencrypted${why}`),
  );
  if (certificate && privateKey && !certificate.checkPrivateKey(privateKey))
    problems.push('TLS_KEY is not the key of the certificate in TLS_CERT');
  return problems;
}

/** `failed` gets the system's word for why a file cannot be read, such as ` (EACCES)`. */
function tryRead<T>(read: () => T, failed: (why: string) => void): T | undefined {
  try {
    return read();
  } catch (error) {
    const { code, errno } = error as NodeJS.ErrnoException;
    failed(errno === undefined ? '' : ` (${code})`);
    return undefined;
  }
}
