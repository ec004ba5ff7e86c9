import type { EndpointSlice, Service } from '@bayplan/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Machine, run } from './support/namespaces.ts';
import { service, slice } from './support/objects.ts';

const root = process.getuid?.() === 0;

describe.skipIf(!root)('the network of a node (needs root)', () => {
  const machine = new Machine();
  const putService = (object: Service) => machine.tell({ do: 'put', resource: 'services', object });
  const putSlice = (object: EndpointSlice) => machine.tell({ do: 'put', resource: 'endpointSlices', object });
  const pod1 = { address: '10.128.0.2', node: 'node-a' };
  const pod2 = { address: '10.128.0.3', node: 'node-a' };

  beforeAll(async () => {
    await machine.start();
    await machine.addPod('pod1', pod1.address);
    await machine.addPod('pod2', pod2.address);
    for (const name of ['pod1', 'pod2']) {
      machine.serve(name, 'tcp', 8080);
      machine.serve(name, 'udp', 8080);
    }
    machine.serve('client', 'tcp', 9000);
    await machine.startNetwork();
  });

  afterAll(() => machine.close());

  it('spreads connections to a Service address over its backends, from pods and from the host', async () => {
    await putService(service('web', { clusterIP: '10.96.1.1', ports: [{ port: 80 }] }));
    await putSlice(slice('web', [{ port: 8080 }], [pod1, pod2]));
    for (const from of ['host', 'pod1']) {
      const answers = new Set<string>();
      for (let attempt = 0; attempt < 24; attempt += 1) answers.add((await machine.ask(from, 'tcp', '10.96.1.1', 80)).split(' ')[0] ?? '');
      expect([...answers].sort()).toEqual(['pod1', 'pod2']);
    }
  });

  it('keeps the address of a pod that asks another', async () => {
    await putService(service('two', { clusterIP: '10.96.1.2', ports: [{ port: 80 }] }));
    await putSlice(slice('two', [{ port: 8080 }], [pod2]));
    expect(await machine.ask('pod1', 'tcp', '10.96.1.2', 80)).toBe('pod2 10.128.0.2');
  });

  it('lets a pod reach itself through its Service', async () => {
    await putService(service('one', { clusterIP: '10.96.1.3', ports: [{ port: 80 }] }));
    await putSlice(slice('one', [{ port: 8080 }], [pod1]));
    expect(await machine.ask('pod1', 'tcp', '10.96.1.3', 80)).toBe(`pod1 ${machine.nodeIp}`);
  });

  it('reaches a backend on the node itself, as the API server is', async () => {
    machine.serve('host', 'tcp', 6443);
    await putService(service('kubernetes', { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443 }] }));
    await putSlice(slice('kubernetes', [{ name: 'https', port: 6443 }], [{ address: machine.nodeIp }]));
    expect(await machine.ask('host', 'tcp', '10.96.0.1', 443)).toBe(`host ${machine.nodeIp}`);
    expect(await machine.ask('pod1', 'tcp', '10.96.0.1', 443)).toBe('host 10.128.0.2');
  });

  it('refuses at once where there is no backend, no such port or no such Service', async () => {
    await putService(service('none', { clusterIP: '10.96.1.4', ports: [{ port: 80 }] }));
    for (const from of ['host', 'pod1']) {
      expect(await machine.ask(from, 'tcp', '10.96.1.4', 80)).toBe('refused');
      expect(await machine.ask(from, 'tcp', '10.96.1.1', 81)).toBe('refused');
      expect(await machine.ask(from, 'tcp', '10.96.200.200', 80)).toBe('refused');
    }
  });

  it('serves node ports to the outside, to the host and to pods, and shows the backend who asks', async () => {
    await putService(service('door', { type: 'NodePort', clusterIP: '10.96.1.5', ports: [{ port: 80, nodePort: 30_080 }] }));
    await putSlice(slice('door', [{ port: 8080 }], [pod2]));
    expect(await machine.ask('client', 'tcp', machine.nodeIp, 30_080)).toBe(`pod2 ${machine.clientIp}`);
    expect(await machine.ask('host', 'tcp', machine.nodeIp, 30_080)).toBe(`pod2 ${machine.nodeIp}`);
    expect(await machine.ask('pod1', 'tcp', machine.nodeIp, 30_080)).toBe('pod2 10.128.0.2');
    expect(await machine.ask('pod2', 'tcp', machine.nodeIp, 30_080)).toBe(`pod2 ${machine.nodeIp}`);
  });

  it('leads host ports to the pod that asked for them, until it is gone', async () => {
    const object = {
      metadata: { name: 'p', namespace: 'default', uid: 'p', resourceVersion: '2' },
      spec: {
        nodeName: 'node-a',
        containers: [
          {
            name: 'c',
            ports: [
              { containerPort: 8080, hostPort: 8000 },
              { containerPort: 8080, hostPort: 8001, hostIP: machine.nodeIp },
            ],
          },
        ],
      },
      status: { podIP: pod2.address },
    };
    await machine.tell({ do: 'put', resource: 'pods', object });
    for (const port of [8000, 8001]) {
      expect(await machine.ask('client', 'tcp', machine.nodeIp, port)).toBe(`pod2 ${machine.clientIp}`);
      expect(await machine.ask('pod2', 'tcp', machine.nodeIp, port)).toBe(`pod2 ${machine.nodeIp}`);
    }
    await machine.tell({ do: 'remove', resource: 'pods', object: { ...object, metadata: { ...object.metadata, resourceVersion: '3' } } });
    expect(await machine.ask('client', 'tcp', machine.nodeIp, 8000)).toBe('refused');
  });

  it('drops outside traffic of a Local policy without a backend here, but not that of pods', async () => {
    const local = { type: 'NodePort', clusterIP: '10.96.1.6', externalTrafficPolicy: 'Local', ports: [{ port: 80, nodePort: 30_081 }] };
    await putService(service('local', local));
    await putSlice(slice('local', [{ port: 8080 }], [{ address: pod2.address, node: 'node-b' }]));
    expect(await machine.ask('client', 'tcp', machine.nodeIp, 30_081)).toBe('timeout');
    expect(await machine.ask('pod1', 'tcp', machine.nodeIp, 30_081)).toMatch(/^pod2 /);
    await putSlice(slice('local', [{ port: 8080 }], [pod2]));
    expect(await machine.ask('client', 'tcp', machine.nodeIp, 30_081)).toBe(`pod2 ${machine.clientIp}`);
  });

  it('serves external addresses, within the allowed ranges for a load balancer', async () => {
    const balanced = service('lb', {
      type: 'LoadBalancer',
      clusterIP: '10.96.1.7',
      loadBalancerSourceRanges: ['192.168.77.0/30'],
      ports: [{ port: 80 }],
    });
    await putService({ ...balanced, status: { loadBalancer: { ingress: [{ ip: '203.0.113.7', ipMode: 'VIP' }] } } });
    await putSlice(slice('lb', [{ port: 8080 }], [pod2]));
    await run(machine.in('client', ['ip', 'route', 'add', '203.0.113.7/32', 'via', machine.nodeIp]));
    expect(await machine.ask('client', 'tcp', '203.0.113.7', 80)).toBe(`pod2 ${machine.clientIp}`);
    await putService({
      ...balanced,
      spec: { ...balanced.spec, loadBalancerSourceRanges: ['198.51.100.0/24', '198.51.100.0/25'] },
      status: { loadBalancer: { ingress: [{ ip: '203.0.113.7' }] } },
    });
    expect(await machine.ask('client', 'tcp', '203.0.113.7', 80)).toBe('timeout');
  });

  it('keeps a client at its backend with session affinity', async () => {
    await putService(
      service('sticky', {
        clusterIP: '10.96.1.8',
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
        ports: [{ port: 80 }],
      }),
    );
    await putSlice(slice('sticky', [{ port: 8080 }], [pod1, pod2]));
    const first = await machine.ask('host', 'tcp', '10.96.1.8', 80);
    for (let attempt = 0; attempt < 10; attempt += 1) expect(await machine.ask('host', 'tcp', '10.96.1.8', 80)).toBe(first);
    const other = first.startsWith('pod1') ? pod2 : pod1;
    await putSlice(slice('sticky', [{ port: 8080 }], [other]));
    expect(await machine.ask('host', 'tcp', '10.96.1.8', 80)).not.toBe(first);
  });

  it('moves a UDP client that keeps its port to a new backend', async () => {
    await putService(service('udp', { clusterIP: '10.96.1.9', ports: [{ port: 53, protocol: 'UDP' }] }));
    const ask = () => machine.ask('pod1', 'udp', '10.96.1.9', 53, { sourcePort: 5353 });
    expect(await ask()).not.toMatch(/^pod/);
    // Forgetting flows follows the rules by a moment.
    await putSlice(slice('udp', [{ port: 8080, protocol: 'UDP' }], [pod2]));
    await expect.poll(ask, { timeout: 3000 }).toMatch(/^pod2 /);
    await putSlice(slice('udp', [{ port: 8080, protocol: 'UDP' }], [pod1]));
    await expect.poll(ask, { timeout: 3000 }).toMatch(/^pod1 /);
  });

  it('hides pods behind the node when they leave the cluster', async () => {
    expect(await machine.ask('pod1', 'tcp', machine.clientIp, 9000)).toBe(`client ${machine.nodeIp}`);
  });

  it('answers DNS questions of pods and the host over UDP and TCP', async () => {
    // A query for one.default.svc.cluster.local A, id 7, recursion desired.
    const name = ['one', 'default', 'svc', 'cluster', 'local'].map((label) => String.fromCharCode(label.length) + label).join('');
    const query = Buffer.from(`\0\x07\x01\0\0\x01\0\0\0\0\0\0${name}\0\0\x01\0\x01`, 'latin1');
    const escaped = (bytes: Buffer) => [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
    const framed = Buffer.concat([Buffer.from([0, query.length]), query]);
    for (const from of ['host', 'pod1']) {
      const udp = await run(
        machine.in(from, ['sh', '-c', `printf '${escaped(query)}' | socat -T1 - UDP:10.96.0.10:53 | tail -c 4 | od -An -tu1`]),
      );
      expect(udp.output.trim().split(/\s+/)).toEqual(['10', '96', '1', '3']);
      const tcp = await run(
        machine.in(from, [
          'sh',
          '-c',
          `(printf '${escaped(framed)}'; sleep 0.5) | socat -T1 - TCP:10.96.0.10:53 | tail -c 4 | od -An -tu1`,
        ]),
      );
      expect(tcp.output.trim().split(/\s+/)).toEqual(['10', '96', '1', '3']);
    }
  });

  it('routes to the pods of other nodes, and forgets nodes that leave', async () => {
    const other = {
      metadata: { name: 'node-b' },
      spec: { podCIDR: '10.128.4.0/22' },
      status: { addresses: [{ type: 'InternalIP', address: machine.clientIp }] },
    };
    const routes = async () => (await run(machine.in('host', ['ip', 'route', 'show', 'proto', '98']))).output;
    await machine.tell({ do: 'put', resource: 'nodes', object: other });
    await expect.poll(routes, { timeout: 3000 }).toContain(`10.128.4.0/22 via ${machine.clientIp} dev eth0`);
    await machine.tell({ do: 'remove', resource: 'nodes', object: other });
    await expect.poll(routes, { timeout: 3000 }).not.toContain('10.128.4.0/22');
  });

  it('keeps Services alive after it stopped, and leaves nothing after clean-up', async () => {
    await run(machine.in('host', ['nft', 'add', 'table', 'ip', 'somebody-else']));
    await machine.tell({ do: 'stop' });
    expect(await machine.ask('pod1', 'tcp', '10.96.1.2', 80)).toBe('pod2 10.128.0.2');
    await machine.tell({ do: 'cleanup' });
    await machine.tell({ do: 'cleanup' });
    expect((await run(machine.in('host', ['nft', 'list', 'tables']))).output.trim()).toBe('table ip somebody-else');
    expect((await run(machine.in('host', ['ip', 'address', 'show', 'dev', 'lo']))).output).not.toContain('10.96.');
    expect((await run(machine.in('host', ['ip', 'route', 'show', 'proto', '98']))).output.trim()).toBe('');
  });
});
