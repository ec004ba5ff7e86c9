import { X509Certificate, createPrivateKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  createCertificateAuthority,
  createCertificateRequest,
  issueCertificate,
  parseCertificateRequest,
  signCertificateRequest,
} from '../src/index.ts';

const nowMs = Date.now();

describe('certificates', () => {
  test('a certificate is signed by its CA and carries subject and names', async () => {
    const ca = await createCertificateAuthority('bayplan', nowMs);
    const pair = await issueCertificate(
      ca,
      {
        commonName: 'system:node:n1',
        organizations: ['system:nodes'],
        dnsNames: ['n1'],
        ipAddresses: ['127.0.0.1'],
        usages: ['client', 'server'],
      },
      nowMs,
    );
    const certificate = new X509Certificate(pair.certPem);
    expect(certificate.verify(new X509Certificate(ca.certPem).publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(pair.keyPem))).toBe(true);
    expect(certificate.subject).toBe('O=system:nodes\nCN=system:node:n1');
    expect(certificate.subjectAltName).toBe('DNS:n1, IP Address:127.0.0.1');
    expect(new X509Certificate(ca.certPem).ca).toBe(true);
  });

  test('a request is read back and signed', async () => {
    const ca = await createCertificateAuthority('bayplan', nowMs);
    const { csrPem } = await createCertificateRequest({
      commonName: 'a,b',
      organizations: ['x'],
      dnsNames: ['h'],
      ipAddresses: ['10.0.0.1'],
    });
    expect(await parseCertificateRequest(csrPem)).toEqual({
      commonName: 'a,b',
      organizations: ['x'],
      dnsNames: ['h'],
      ipAddresses: ['10.0.0.1'],
    });
    const certificate = new X509Certificate(await signCertificateRequest(ca, csrPem, { commonName: 'other', usages: ['client'] }, nowMs));
    expect(certificate.subject).toBe('CN=other');
  });
});
