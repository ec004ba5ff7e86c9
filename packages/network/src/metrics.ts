import { Counter, Gauge, Histogram } from '@bayplan/component-base';
import type { MetricsRegistry } from '@bayplan/component-base';

export interface NetworkMetrics {
  readonly syncSeconds: Histogram;
  readonly fullSyncs: Counter;
  readonly syncFailures: Counter;
  readonly lastSyncSeconds: Gauge;
  /** From the change of a Service or endpoint to the rules in the kernel. */
  readonly programmingSeconds: Histogram;
  readonly dnsRequests: Counter<'server' | 'zone' | 'proto' | 'family' | 'type'>;
  readonly dnsResponses: Counter<'server' | 'zone' | 'rcode'>;
  readonly dnsSeconds: Histogram<'server' | 'zone'>;
  readonly dnsForwardFailures: Counter;
}

const syncBuckets = [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384];
const programmingBuckets = [0.25, 0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 45, 60, 120, 300];
const dnsBuckets = [0.000_25, 0.000_5, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096];

/** Every metric of this package, under the names that kube-proxy and CoreDNS use. */
export function createNetworkMetrics(registry: MetricsRegistry): NetworkMetrics {
  const registers = [registry];
  return {
    syncSeconds: new Histogram({
      name: 'kubeproxy_sync_proxy_rules_duration_seconds',
      help: 'Seconds to bring the rules in the kernel up to date',
      buckets: syncBuckets,
      registers,
    }),
    fullSyncs: new Counter({ name: 'kubeproxy_sync_full_proxy_rules_total', help: 'Times that the whole table was written', registers }),
    syncFailures: new Counter({
      name: 'kubeproxy_sync_proxy_rules_nft_sync_failures_total',
      help: 'Times that nft refused or failed a change',
      registers,
    }),
    lastSyncSeconds: new Gauge({
      name: 'kubeproxy_sync_proxy_rules_last_timestamp_seconds',
      help: 'Unix time of the last successful synchronisation',
      registers,
    }),
    programmingSeconds: new Histogram({
      name: 'kubeproxy_network_programming_duration_seconds',
      help: 'Seconds from a change of Services or endpoints to rules in the kernel',
      buckets: programmingBuckets,
      registers,
    }),
    dnsRequests: new Counter({
      name: 'coredns_dns_requests_total',
      help: 'DNS questions',
      labelNames: ['server', 'zone', 'proto', 'family', 'type'],
      registers,
    }),
    dnsResponses: new Counter({
      name: 'coredns_dns_responses_total',
      help: 'DNS answers by response code',
      labelNames: ['server', 'zone', 'rcode'],
      registers,
    }),
    dnsSeconds: new Histogram({
      name: 'coredns_dns_request_duration_seconds',
      help: 'Seconds to answer a DNS question',
      labelNames: ['server', 'zone'],
      buckets: dnsBuckets,
      registers,
    }),
    dnsForwardFailures: new Counter({
      name: 'bayplan_dns_forward_failures_total',
      help: 'Questions that no upstream server answered',
      registers,
    }),
  };
}
