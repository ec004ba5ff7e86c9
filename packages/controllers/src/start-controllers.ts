import type { Client, InformerFactory } from '@bayplan/client';
import { createEventRecorder, runLeaderElection } from '@bayplan/client';
import type { Clock, KeyPair, Logger, MetricsRegistry, Random } from '@bayplan/component-base';
import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';
import { runCertificatesController } from './certificates/certificates-controller.ts';
import { runEndpointSliceController } from './endpointslice/endpointslice-controller.ts';
import { runMirroringController } from './endpointslice/mirroring-controller.ts';
import { runGarbageCollector } from './garbage-collector/garbage-collector.ts';
import { runNamespaceController } from './namespace/namespace-controller.ts';
import { runNodeIpamController } from './node-ipam/node-ipam-controller.ts';
import { runNodeLifecycleController } from './node-lifecycle/node-lifecycle-controller.ts';
import { runPodGarbageController } from './pod-gc/pod-gc-controller.ts';
import type { Controller, ControllerContext } from './runtime/controller-context.ts';
import { runServiceAccountController } from './serviceaccount/serviceaccount-controller.ts';
import { runAttachDetachController } from './attach-detach/attach-detach-controller.ts';
import { runEphemeralVolumeController } from './ephemeral-volume/ephemeral-volume-controller.ts';
import { runLocalPathController } from './local-path/local-path-controller.ts';
import { runPersistentVolumeController } from './persistent-volumes/persistent-volume-controller.ts';
import { runVolumeExpandController } from './volume-expand/volume-expand-controller.ts';
import { runVolumeProtectionController } from './volume-protection/volume-protection-controller.ts';
import { workloadControllers } from './workload-controllers.ts';
import { runResourceQuotaController } from './resource-quota/resource-quota-controller.ts';
import { runBootstrapTokenController } from './bootstrap-tokens/bootstrap-token-controller.ts';
import { runTokenSecretsController } from './serviceaccount/token-secrets-controller.ts';
import { runLeaseCleanupController } from './lease-cleanup/lease-cleanup-controller.ts';
import { runNodeTtlController } from './node-ttl/node-ttl-controller.ts';
import { runClusterRoleAggregationController } from './clusterrole-aggregation/clusterrole-aggregation-controller.ts';
import { runLoadBalancerController } from './load-balancer/load-balancer-controller.ts';
import { runResourceClaimController } from './resource-claim/resource-claim-controller.ts';
import { runIpAddressRepairController } from './service-cidr/ip-address-repair-controller.ts';
import { runServiceCidrController } from './service-cidr/service-cidr-controller.ts';

/** Who the controllers act as. */
export interface ControllerIdentity {
  readonly name: string;
  readonly groups?: readonly string[];
}

export interface ControllersOptions {
  readonly client: (identity: ControllerIdentity) => Client;
  /** Started by the caller, after `startControllers` has returned. */
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics?: MetricsRegistry;
  /** The cluster's authority: its certificate is published, and node certificates are signed with it. */
  readonly ca: KeyPair;
  /** The range that nodes' pod ranges are cut from, such as `10.128.0.0/10`. */
  readonly clusterCidr: string;
  /** Prefix length of one node's range. */
  readonly nodeCidrMaskSize: number;
  /** Without election the controllers run at once: for a server that is alone on its store. Default true. */
  readonly leaderElection?: boolean;
  readonly signal: AbortSignal;
}

/**
 * Runs every controller while this process holds the Lease `kube-system/kube-controller-manager`. `stopped`
 * resolves after `signal` has aborted and all of them have ended. A controller that fails ends the process's
 * term, so that another server or a later try takes over.
 */
export function startControllers(options: ControllersOptions): { readonly stopped: Promise<void> } {
  const { clock, random, logger, signal } = options;
  const client = options.client({ name: 'system:kube-controller-manager' });
  const lead = (term: AbortSignal): Promise<void> => runAll(options, client, term);
  if (options.leaderElection === false) return { stopped: runUntilAborted(lead, clock, logger, signal) };
  const identity = `${hostname()}_${random.uuid()}`;
  const stopped = runLeaderElection({
    client,
    clock,
    logger,
    namespace: 'kube-system',
    name: 'kube-controller-manager',
    identity,
    lead,
    signal,
  });
  return { stopped };
}

const restartDelayMs = 1000;

async function runUntilAborted(
  lead: (signal: AbortSignal) => Promise<void>,
  clock: Clock,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await lead(signal).catch((error: unknown) => {
      if (!signal.aborted) logger.error('A controller failed', { err: error });
    });
    if (!signal.aborted) await clock.sleep(restartDelayMs, signal).catch(() => undefined); // an abort ends the loop
  }
}

async function runAll(options: ControllersOptions, client: Client, term: AbortSignal): Promise<void> {
  const { informers, clock, random, logger, metrics, ca, clusterCidr, nodeCidrMaskSize } = options;
  // Ends with the term, or when one of the controllers fails.
  const ended = new AbortController();
  const end = (): void => ended.abort(term.reason);
  term.addEventListener('abort', end, { once: true });
  if (term.aborted) end();
  const { signal } = ended;
  setMaxListeners(0, signal);
  const start = async (name: string, component: string, run: Controller): Promise<void> => {
    const named = logger.with({ controller: name });
    const recorder = createEventRecorder({ client, clock, logger: named, component, signal });
    const context: ControllerContext = { client, informers, recorder, clock, random, logger: named, metrics, signal };
    try {
      await run(context);
    } catch (error) {
      if (signal.aborted) return;
      ended.abort(error);
      throw error;
    } finally {
      await recorder.flush();
    }
  };
  const results = await Promise.allSettled([
    ...workloadControllers.map(([name, component, run]) => start(name, component, run)),
    start('endpointslice', 'endpoint-slice-controller', runEndpointSliceController),
    start('endpointslice-mirroring', 'endpoint-slice-mirroring-controller', runMirroringController),
    start('namespace', 'namespace-controller', runNamespaceController),
    start('serviceaccount', 'serviceaccount-controller', (context) => runServiceAccountController(context, ca.certPem)),
    start('garbage-collector', 'garbage-collector-controller', runGarbageCollector),
    start('node-ipam', 'cidrAllocator', (context) => runNodeIpamController(context, { clusterCidr, nodeCidrMaskSize })),
    start('node-lifecycle', 'node-controller', runNodeLifecycleController),
    start('pod-gc', 'pod-garbage-collector', runPodGarbageController),
    start('certificates', 'certificate-controller', (context) => runCertificatesController(context, ca)),
    start('legacy-serviceaccount-token', 'serviceaccount-token-controller', (context) => runTokenSecretsController(context, ca.certPem)),
    start('bootstrap-token', 'bootstrap-signer', runBootstrapTokenController),
    start('node-ttl', 'ttl-controller', runNodeTtlController),
    start('lease-cleanup', 'lease-cleanup-controller', runLeaseCleanupController),
    start('clusterrole-aggregation', 'clusterrole-aggregation-controller', runClusterRoleAggregationController),
    start('service-load-balancer', 'service-controller', runLoadBalancerController),
    start('resourceclaim', 'resource_claim', runResourceClaimController),
    start('service-cidr', 'service-cidr-controller', runServiceCidrController),
    start('ip-address-repair', 'ipallocator-repair-controller', runIpAddressRepairController),
    start('resourcequota', 'resource-quota-controller', runResourceQuotaController),
    start('persistentvolume-binder', 'persistentvolume-controller', runPersistentVolumeController),
    start('local-path', 'bayplan.io/local-path', runLocalPathController),
    start('volume-protection', 'pv-protection-controller', runVolumeProtectionController),
    start('ephemeral-volume', 'ephemeral_volume', runEphemeralVolumeController),
    start('volume-expand', 'volume_expand', runVolumeExpandController),
    start('attach-detach', 'attachdetach-controller', runAttachDetachController),
  ]);
  term.removeEventListener('abort', end);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
