import { isNotFound, resources } from '@bayplan/api';
import type { CertificateSigningRequest, SubjectAccessReview } from '@bayplan/api';
import type { ReconcileResult } from '@bayplan/client';
import { signCertificateRequest, timestamp } from '@bayplan/component-base';
import type { KeyPair } from '@bayplan/component-base';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { readNodeRequest, servingSigner, signers, userSigner } from './node-requests.ts';
import type { NodeRequest } from './node-requests.ts';

const hourMs = 3_600_000;
/** How long requests are kept once decided, or while nobody decides. */
const decidedMs = hourMs;
const pendingMs = 24 * hourMs;

/**
 * Approves and signs the certificate requests of nodes, and removes requests that are done. A client
 * certificate needs the requester's right to `certificatesigningrequests/nodeclient` (or `selfnodeclient`);
 * a serving certificate is given to the node itself, for names and addresses that no other node has.
 * Client certificates of others are signed once someone has approved them.
 */
export async function runCertificatesController(context: ControllerContext, ca: KeyPair): Promise<void> {
  const { client, informers, clock, logger, signal } = context;
  const requests = informers.informer(resources.certificateSigningRequests);
  const nodes = informers.informer(resources.nodes);
  const queue = queueFor(context, 'certificate');
  onChange(context, requests, (request, _previous, deleted) => {
    if (!deleted) queue.add(request.metadata.name ?? '');
  });

  async function reconcile(name: string): Promise<ReconcileResult | void> {
    let request = requests.lister.get(name);
    if (request === undefined) return;
    const ageMs = clock.now() - Date.parse(request.metadata.creationTimestamp ?? '');
    const lifetimeMs = isDecided(request) ? decidedMs : pendingMs;
    if (ageMs > lifetimeMs) return remove(name);
    if (!signers.has(request.spec.signerName)) return { requeueAfterMs: lifetimeMs - ageMs };
    const node = await readNodeRequest(request);
    if ('refused' in node) {
      if (!hasCondition(request, 'Failed') && isApproved(request)) await fail(request, node.refused);
      return { requeueAfterMs: lifetimeMs - ageMs };
    }
    if (!isDecided(request)) {
      const approval = await mayApprove(request, node);
      if (approval === undefined) return { requeueAfterMs: lifetimeMs - ageMs };
      request = await approve(request, approval);
    }
    if (isApproved(request) && !request.status?.certificate && !hasCondition(request, 'Failed')) await sign(request, node);
    return { requeueAfterMs: Math.max(1000, decidedMs - ageMs) };
  }

  /** The text of the approval; undefined when a human must decide. */
  async function mayApprove(request: CertificateSigningRequest, node: NodeRequest): Promise<string | undefined> {
    const { username, groups, uid, extra } = request.spec;
    if (request.spec.signerName === userSigner) return undefined;
    const isSelf = username === node.parsed.commonName;
    if (request.spec.signerName === servingSigner) {
      if (!isSelf || claimedByOther(node)) return undefined;
      return 'Auto approving kubelet serving certificate of the node itself.';
    }
    const checks = isSelf ? ['selfnodeclient', 'nodeclient'] : ['nodeclient'];
    for (const subresource of checks) {
      const resourceAttributes = {
        group: 'certificates.k8s.io',
        resource: 'certificatesigningrequests',
        verb: 'create',
        subresource,
        version: '*',
      };
      const spec = { user: username, groups, uid, extra, resourceAttributes };
      const review: SubjectAccessReview = await client.create(resources.subjectAccessReviews, { metadata: {}, spec }, { signal });
      if (review.status?.allowed) {
        const self = subresource === 'selfnodeclient' ? 'self ' : '';
        return `Auto approving ${self}kubelet client certificate after SubjectAccessReview.`;
      }
    }
    return undefined;
  }

  function claimedByOther(request: NodeRequest): boolean {
    const names = new Set([...request.parsed.dnsNames, ...request.parsed.ipAddresses]);
    return nodes.lister
      .list()
      .some(
        (node) => node.metadata.name !== request.nodeName && (node.status?.addresses ?? []).some((address) => names.has(address.address)),
      );
  }

  async function approve(request: CertificateSigningRequest, message: string): Promise<CertificateSigningRequest> {
    const now = timestamp(clock.now());
    const condition = { type: 'Approved', status: 'True', reason: 'AutoApproved', message, lastUpdateTime: now, lastTransitionTime: now };
    const status = { ...request.status, conditions: [...(request.status?.conditions ?? []), condition] };
    logger.info('Approved a certificate request', { request: request.metadata.name, user: request.spec.username });
    return client.update(resources.certificateSigningRequests, { ...request, status }, { subresource: 'approval', signal });
  }

  async function sign(request: CertificateSigningRequest, node: NodeRequest): Promise<void> {
    const certPem = await signCertificateRequest(ca, node.csrPem, node.certificate, clock.now());
    const status = { ...request.status, certificate: Buffer.from(certPem).toString('base64') };
    await client.update(resources.certificateSigningRequests, { ...request, status }, { subresource: 'status', signal });
  }

  async function fail(request: CertificateSigningRequest, message: string): Promise<void> {
    const now = timestamp(clock.now());
    const condition = {
      type: 'Failed',
      status: 'True',
      reason: 'SignerValidationFailure',
      message,
      lastUpdateTime: now,
      lastTransitionTime: now,
    };
    const status = { ...request.status, conditions: [...(request.status?.conditions ?? []), condition] };
    await client.update(resources.certificateSigningRequests, { ...request, status }, { subresource: 'status', signal });
  }

  async function remove(name: string): Promise<void> {
    try {
      await client.delete(resources.certificateSigningRequests, { name }, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  await runController(context, { queue, caches: [requests, nodes], workers: 1, reconcile });
}

function hasCondition(request: CertificateSigningRequest, type: string): boolean {
  return request.status?.conditions?.some((condition) => condition.type === type) ?? false;
}

function isApproved(request: CertificateSigningRequest): boolean {
  return hasCondition(request, 'Approved') && !hasCondition(request, 'Denied');
}

function isDecided(request: CertificateSigningRequest): boolean {
  return hasCondition(request, 'Approved') || hasCondition(request, 'Denied') || hasCondition(request, 'Failed');
}
