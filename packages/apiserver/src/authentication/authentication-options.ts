/** What can be said about authentication besides the built-in ways. Files are read again when they change where that is said. */
export interface AuthenticationOptions {
  /** An AuthenticationConfiguration; read again when it changes. Not together with `oidc`, and its `anonymous` not with ours. */
  readonly configFile?: string | undefined;
  /** True: requests without credentials go on as `system:anonymous` everywhere; false: nowhere. Default: to the health paths only. */
  readonly anonymous?: boolean | undefined;
  readonly oidc?: OidcOptions | undefined;
  readonly webhook?: TokenWebhookOptions | undefined;
  readonly serviceAccounts?: ServiceAccountOptions | undefined;
  /** What tokens must be meant for; default the issuer of ServiceAccount tokens. */
  readonly apiAudiences?: readonly string[] | undefined;
}

/** One OpenID provider, as the `--oidc-*` flags describe it. */
export interface OidcOptions {
  readonly issuerUrl: string;
  readonly clientId: string;
  /** Default `sub`. */
  readonly usernameClaim?: string | undefined;
  /** `-` is none; default the issuer and `#`, but none for the claim `email`. */
  readonly usernamePrefix?: string | undefined;
  readonly groupsClaim?: string | undefined;
  readonly groupsPrefix?: string | undefined;
  /** `NAME=VALUE` each. */
  readonly requiredClaims?: readonly string[] | undefined;
  /** Default RS256. */
  readonly signingAlgorithms?: readonly string[] | undefined;
  readonly caFile?: string | undefined;
}

export interface TokenWebhookOptions {
  /** A kubeconfig whose cluster is the webhook. */
  readonly configFile: string;
  /** Default 2 minutes. */
  readonly cacheTtlMs?: number | undefined;
  /** Default `v1beta1`. */
  readonly version?: 'v1' | 'v1beta1' | undefined;
}

export interface ServiceAccountOptions {
  /** Default `https://kubernetes.default.svc.DOMAIN`. */
  readonly issuer?: string | undefined;
  /** Where the issuer's keys are, in its discovery document. */
  readonly jwksUri?: string | undefined;
  /** Longest life of a token that is asked for: from one hour to 2^32 seconds. */
  readonly maxTokenSeconds?: number | undefined;
  /** Whether tokens that the ServiceAccount plug-in asks for are good for a year, for old clients. Default true. */
  readonly extendExpiration?: boolean | undefined;
}
