/** Which tokens are accepted. */
export interface AuthOptions {
  /** Undefined: the secret that the ledger generated. */
  readonly key:
    | { readonly secret: string }
    | { readonly publicKey: string }
    | { readonly jwksUrl: string }
    | undefined;
  /** The algorithms that a token may use. They follow from the kind of key. */
  readonly algorithms: readonly string[];
  /** The claim that names the user. */
  readonly idClaim: string;
  /** A token is of one of them; undefined: of any. */
  readonly issuers: readonly string[] | undefined;
  /** A token is for one of them; undefined: for any. */
  readonly audiences: readonly string[] | undefined;
  readonly requireExp: boolean;
  /** By how much the clocks of the login and of this server may differ. */
  readonly leewaySeconds: number;
}
