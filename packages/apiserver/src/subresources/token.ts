import { badRequest, conflict, FieldPath, fieldInvalid, forbidden, invalid, methodNotSupported, notFound } from '@bayplan/api';
import type { KubeObject, Pod, ServiceAccount, AuthenticationV1TokenRequest } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import { SignJWT } from 'jose';
import { admissionRequest, admit } from '../admission/admission.ts';
import { writeOptionsObject } from '../admission/request-options.ts';
import type { ServiceAccountKeys } from '../authentication/service-account-keys.ts';
import type { ServiceAccountOptions } from '../authentication/authentication-options.ts';
import type { KubernetesClaims } from '../authentication/service-account-tokens.ts';
import { nodeNameOf } from '../authorization/node-authorizer.ts';
import type { ResourceContext } from '../chain/context.ts';
import { decodeBody } from '../registry/decode-object.ts';
import type { SpecialHandler } from '../registry/dispatch.ts';
import type { VerbServices } from '../registry/verbs/services.ts';

const requestType = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' } as const;
const minSeconds = 600;
const maxSeconds = 2 ** 32;
const defaultSeconds = 3600;
/**
 * What the ServiceAccount admission plug-in asks for. Old clients read their token once, so such a token
 * is good for a year; `warnafter` says when it should have been renewed (Kubernetes' extended expiration).
 */
const warnOnlySeconds = 3607;
const extendedSeconds = 365 * 24 * 3600;

export interface TokenOptions extends ServiceAccountOptions {
  readonly keys: ServiceAccountKeys;
  readonly issuer: string;
  /** Of this API server: the audiences of a token whose request names none. */
  readonly apiAudiences: readonly string[];
}

/** `serviceaccounts/token`: signs a token that ends with time, or with the object that it is bound to. */
export function tokenHandler(options: TokenOptions): SpecialHandler {
  const { keys, issuer, apiAudiences, maxTokenSeconds = maxSeconds, extendExpiration = true } = options;
  return async (services, context, resource) => {
    if (context.info.verb !== 'create') throw methodNotSupported(resource, context.info.verb);
    const { namespace, name } = context.info;
    const request = (await decodeBody(context, requestType, 'Ignore')) as AuthenticationV1TokenRequest & KubeObject;
    const asked = request.spec?.expirationSeconds ?? defaultSeconds;
    checkSeconds(asked, request);
    checkName(request, namespace, name);
    const account = (await services.registry.stored('', 'v1', 'serviceaccounts').storage.get(namespace, name)).object as ServiceAccount;
    const bound = await boundClaims(services, context, request);
    await admit(
      services.admission,
      admissionRequest(context, {
        operation: 'CREATE',
        resource,
        subresource: 'token',
        namespace,
        name,
        object: request,
        old: undefined,
        bodyKind: requestType,
        options: writeOptionsObject('CreateOptions', context),
        dryRun: false,
      }),
    );
    const seconds = Math.min(asked, maxTokenSeconds);
    if (seconds < asked)
      context.warnings.push(`requested expiration of ${asked.toString()} seconds shortened to ${seconds.toString()} seconds`);
    const named = request.spec?.audiences ?? [];
    const audiences = named.length > 0 ? named : apiAudiences;
    const nowMs = services.clock.now();
    const nowSeconds = Math.floor(nowMs / 1000);
    const isExtended =
      extendExpiration &&
      bound.pod !== undefined &&
      seconds === warnOnlySeconds &&
      audiences.every((audience) => apiAudiences.includes(audience));
    const kubernetes: KubernetesClaims = {
      namespace,
      serviceaccount: { name, uid: account.metadata?.uid ?? '' },
      ...bound,
      ...(isExtended ? { warnafter: nowSeconds + seconds } : {}),
    };
    const token = await new SignJWT({ 'kubernetes.io': kubernetes })
      .setProtectedHeader({ alg: 'ES256', kid: keys.keyId })
      .setIssuer(issuer)
      .setSubject(`system:serviceaccount:${namespace}:${name}`)
      .setAudience([...audiences])
      .setIssuedAt(nowSeconds)
      .setNotBefore(nowSeconds)
      .setExpirationTime(nowSeconds + (isExtended ? Math.max(seconds, Math.min(extendedSeconds, maxTokenSeconds)) : seconds))
      .setJti(services.random.uuid())
      .sign(keys.privateKey);
    const value = {
      ...request,
      metadata: { name, namespace, creationTimestamp: timestamp(nowMs) },
      spec: { ...request.spec, audiences, expirationSeconds: seconds },
      status: { token, expirationTimestamp: timestamp((nowSeconds + seconds) * 1000) },
    };
    return { kind: 'value', status: 201, value };
  };
}

/** The body may leave its name out, but not name another account. */
function checkName(request: AuthenticationV1TokenRequest, namespace: string, name: string): void {
  const given = request.metadata ?? {};
  if (given.name && given.name !== name)
    throw badRequest(`the name of the object (${given.name}) does not match the name on the URL (${name})`);
  if (given.namespace && given.namespace !== namespace)
    throw badRequest(`the namespace of the object (${given.namespace}) does not match the namespace on the URL (${namespace})`);
}

function checkSeconds(seconds: number, request: AuthenticationV1TokenRequest): void {
  const path = FieldPath.of('spec', 'expirationSeconds');
  if (seconds < minSeconds)
    throw invalid(requestType, request.metadata?.name ?? '', [
      fieldInvalid(path, seconds, 'may not specify a duration less than 10 minutes'),
    ]);
  if (seconds > maxSeconds)
    throw invalid(requestType, request.metadata?.name ?? '', [
      fieldInvalid(path, seconds, 'may not specify a duration larger than 2^32 seconds'),
    ]);
}

async function boundClaims(
  services: VerbServices,
  context: ResourceContext,
  request: AuthenticationV1TokenRequest,
): Promise<Partial<KubernetesClaims>> {
  const ref = request.spec?.boundObjectRef;
  // Go writes an absent reference as null.
  if (!ref) return {};
  const { namespace, name: accountName } = context.info;
  const kind = `${ref.apiVersion ?? ''}/${ref.kind ?? ''}`;
  const resources: Readonly<Record<string, string>> = { 'v1/Pod': 'pods', 'v1/Secret': 'secrets', 'v1/Node': 'nodes' };
  const plural = resources[kind];
  if (plural === undefined)
    throw badRequest(`cannot bind token for serviceaccount ${JSON.stringify(accountName)} to object of type ${kind}`);
  const resource = services.registry.stored('', 'v1', plural);
  const name = ref.name ?? '';
  const stored = await resource.storage.find(plural === 'nodes' ? '' : namespace, name);
  if (stored === undefined) throw notFound(resource, name);
  const uid = stored.object.metadata.uid ?? '';
  if (ref.uid && ref.uid !== uid)
    throw conflict(
      resource,
      name,
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  if (plural === 'secrets') return { secret: { name, uid } };
  if (plural === 'nodes') return { node: { name, uid } };
  const pod = stored.object as Pod;
  if ((pod.spec?.serviceAccountName ?? '') !== accountName) {
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(accountName)} to pod running with different serviceaccount name.`,
    );
  }
  const node = nodeNameOf(context.user);
  if (node !== undefined && pod.spec?.nodeName !== node) {
    throw forbidden(resource, name, 'node requested token bound to a pod scheduled on a different node');
  }
  return { pod: { name, uid }, ...(await nodeOf(services, pod)) };
}

async function nodeOf(services: VerbServices, pod: Pod): Promise<Partial<KubernetesClaims>> {
  const name = pod.spec?.nodeName ?? '';
  if (name === '') return {};
  const node = await services.registry.stored('', 'v1', 'nodes').storage.find('', name);
  // The name alone still tells a reader of the token where the pod was meant to run.
  const uid = node?.object.metadata.uid;
  return { node: { name, ...(uid === undefined ? {} : { uid }) } };
}
