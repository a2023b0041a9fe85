import { SignJWT } from 'jose';

/** Signs an HS256 token. Only the command line uses it: no endpoint hands out tokens. */
export function signToken(
  secret: string,
  claims: Readonly<Record<string, string>>,
  {
    issuer,
    audience,
    expires,
  }: { issuer?: string | undefined; audience?: string | undefined; expires?: string | undefined },
): Promise<string> {
  const jwt = new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).setIssuedAt();
  if (issuer !== undefined) jwt.setIssuer(issuer);
  if (audience !== undefined) jwt.setAudience(audience);
  if (expires !== undefined) jwt.setExpirationTime(expires);
  return jwt.sign(Buffer.from(secret));
}
