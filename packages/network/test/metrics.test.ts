import { createMetricsRegistry } from '@bayplan/component-base';
import { expect, it } from 'vitest';
import { createNetworkMetrics } from '../src/metrics.ts';

it('declares these metrics, which dashboards rely on', () => {
  const registry = createMetricsRegistry({ processMetrics: false });
  createNetworkMetrics(registry);
  expect(registry.getMetricsAsArray().map((metric) => metric.name)).toEqual([
    'kubeproxy_sync_proxy_rules_duration_seconds',
    'kubeproxy_sync_full_proxy_rules_total',
    'kubeproxy_sync_proxy_rules_nft_sync_failures_total',
    'kubeproxy_sync_proxy_rules_last_timestamp_seconds',
    'kubeproxy_network_programming_duration_seconds',
    'coredns_dns_requests_total',
    'coredns_dns_responses_total',
    'coredns_dns_request_duration_seconds',
    'bayplan_dns_forward_failures_total',
  ]);
});
