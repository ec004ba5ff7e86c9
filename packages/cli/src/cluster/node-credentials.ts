import type { ClusterKeys } from '@bayplan/apiserver';
import { issueCertificate } from '@bayplan/component-base';
import type { KeyPair } from '@bayplan/component-base';
import path from 'node:path';
import { readIfPresent, writeSecretFile } from '../home.ts';
import type { Home } from '../home.ts';

/** What a node shows to the API server, and what it shows to those who call its own API. */
export interface NodeCredentials {
  readonly caPem: string;
  readonly client: KeyPair;
  readonly serving: KeyPair;
}

/** Issues both certificates with the cluster's own CA: for the node on the control plane's machine. */
export async function issueNodeCredentials(keys: ClusterKeys, nodeName: string, nodeIp: string, nowMs: number): Promise<NodeCredentials> {
  const subject = { commonName: `system:node:${nodeName}`, organizations: ['system:nodes'] };
  return {
    caPem: keys.ca.certPem,
    client: await issueCertificate(keys.ca, { ...subject, usages: ['client'] }, nowMs),
    serving: await issueCertificate(
      keys.ca,
      { ...subject, usages: ['server'], dnsNames: [nodeName, 'localhost'], ipAddresses: [nodeIp, '127.0.0.1'] },
      nowMs,
    ),
  };
}

const fileNames = ['ca.crt', 'node.crt', 'node.key', 'node-serving.crt', 'node-serving.key'] as const;

export async function saveNodeCredentials(home: Home, credentials: NodeCredentials): Promise<void> {
  const texts = [
    credentials.caPem,
    credentials.client.certPem,
    credentials.client.keyPem,
    credentials.serving.certPem,
    credentials.serving.keyPem,
  ];
  for (const [index, name] of fileNames.entries()) await writeSecretFile(path.join(home.pki, name), texts[index] ?? '');
}

/** What an earlier start saved, or undefined when a part is missing. */
export async function loadNodeCredentials(home: Home): Promise<NodeCredentials | undefined> {
  const [caPem, certPem, keyPem, servingCertPem, servingKeyPem] = await Promise.all(
    fileNames.map((name) => readIfPresent(path.join(home.pki, name))),
  );
  if (!caPem || !certPem || !keyPem || !servingCertPem || !servingKeyPem) return undefined;
  return { caPem, client: { certPem, keyPem }, serving: { certPem: servingCertPem, keyPem: servingKeyPem } };
}
