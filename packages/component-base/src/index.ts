export {
  createCertificateAuthority,
  createCertificateRequest,
  issueCertificate,
  parseCertificateRequest,
  signCertificateRequest,
} from './certificates.ts';
export type { CertificateRequest, KeyPair, ParsedCertificateRequest } from './certificates.ts';
export { microTimestamp, systemClock, timestamp } from './clock.ts';
export type { Clock, Timer } from './clock.ts';
export { FakeClock } from './fake-clock.ts';
export { createLogger, silentLogger } from './logger.ts';
export type { LogFields, Logger, LoggerOptions, LogLevel } from './logger.ts';
export { Counter, createMetricsRegistry, Gauge, Histogram, MetricsRegistry } from './metrics.ts';
export { seededRandom, systemRandom } from './random.ts';
export type { Random } from './random.ts';
export { shutdownSignal } from './shutdown.ts';
