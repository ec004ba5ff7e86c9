import { StoreError } from '@bayplan/store';
import type { Clock, Logger } from '@bayplan/component-base';
import { ConfigError } from '../config/config-node.ts';
import { WatchedFile } from '../config/watched-file.ts';
import type { Sealing } from '../registry/resource-storage.ts';
import { ciphersOf } from './ciphers.ts';
import type { Cipher } from './ciphers.ts';
import { readEncryptionConfiguration } from './encryption-configuration.ts';
import { isSealedByCluster, secretSealing } from './secret-sealing.ts';

export interface EncryptionOptions {
  /** An EncryptionConfiguration. */
  readonly configFile: string;
  /** Read it again when it changes. */
  readonly reload?: boolean | undefined;
}

export interface EncryptionAtRestOptions {
  /** The cluster's own key: seals Secrets where no configuration says otherwise, and opens them always. */
  readonly clusterKey: Buffer;
  readonly encryption?: EncryptionOptions | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Entry {
  readonly resources: readonly string[];
  /** Undefined: values are written as they are. */
  readonly writer: Cipher | undefined;
  readonly ciphers: readonly Cipher[];
  /** Values that nobody sealed are good. */
  readonly takesPlain: boolean;
}

const sealedMark = Buffer.from('k8s:enc:');

/** No sealing; what a configuration sealed that is no longer given is told from an object. */
const plain: Sealing = {
  seal: (_key, value) => value,
  open(key, value) {
    if (startsWith(value, sealedMark)) throw keyless(key);
    return value;
  },
};

function keyless(key: string): StoreError {
  return new StoreError('corrupt', 'no key of the encryption configuration opens a value', { key });
}

/** How values of each resource are sealed in the store. */
export class EncryptionAtRest {
  private readonly options: EncryptionAtRestOptions;
  private readonly cluster: Sealing;
  private entries: readonly Entry[] = [];
  private file: WatchedFile | undefined;

  private constructor(options: EncryptionAtRestOptions) {
    this.options = options;
    this.cluster = secretSealing(options.clusterKey);
  }

  /** Rejects with `ConfigError`. */
  static async open(options: EncryptionAtRestOptions): Promise<EncryptionAtRest> {
    const found = new EncryptionAtRest(options);
    const { encryption, clock, logger } = options;
    if (encryption === undefined) return found;
    const { configFile } = encryption;
    found.file = await WatchedFile.open({ file: configFile, clock, logger, apply: (text) => found.use(text, configFile) }).catch(
      (cause: unknown) => {
        throw cause instanceof ConfigError ? cause : new ConfigError(`${configFile}: ${(cause as Error).message}`, { cause });
      },
    );
    if (encryption.reload !== true) found.close();
    return found;
  }

  close(): void {
    this.file?.close();
    this.file = undefined;
  }

  /** The sealing of one resource; it follows the configuration. */
  sealingOf(group: string, resource: string): Sealing {
    const isSecrets = group === '' && resource === 'secrets';
    // Nothing is looked up for each value where nothing can ever be sealed.
    if (this.options.encryption === undefined)
      return isSecrets ? { ...this.cluster, open: (key, value) => this.openValue(undefined, key, value) } : plain;
    const entry = (): Entry | undefined =>
      this.entries.find(({ resources }) => resources.some((pattern) => covers(pattern, group, resource)));
    return {
      seal: (key, value) => {
        const found = entry();
        if (found === undefined) return isSecrets ? this.cluster.seal(key, value) : value;
        const { writer } = found;
        return writer === undefined ? value : Buffer.concat([writer.prefix, writer.seal(key, value)]);
      },
      open: (key, value) => this.openValue(entry(), key, value),
      isStale: (value) => {
        const found = entry();
        if (found === undefined) return isSecrets ? !isSealedByCluster(value) : value.subarray(0, sealedMark.length).equals(sealedMark);
        return found.writer === undefined
          ? isSealedByCluster(value) || startsWith(value, sealedMark)
          : !startsWith(value, found.writer.prefix);
      },
    };
  }

  private openValue(entry: Entry | undefined, key: string, value: Buffer): Buffer {
    if (isSealedByCluster(value)) return this.cluster.open(key, value);
    if (!startsWith(value, sealedMark)) {
      if (entry === undefined || entry.takesPlain) return value;
      throw new StoreError('corrupt', 'a value is not sealed, and no identity provider allows that', { key });
    }
    const cipher = entry?.ciphers.find(({ prefix }) => startsWith(value, prefix));
    if (cipher === undefined) throw keyless(key);
    try {
      return cipher.open(key, value.subarray(cipher.prefix.length));
    } catch (cause) {
      throw new StoreError('corrupt', 'a sealed value does not open', { key, cause });
    }
  }

  private async use(text: string, name: string): Promise<void> {
    const { entries } = readEncryptionConfiguration(text, name);
    this.entries = await Promise.all(
      entries.map(async ({ resources, providers }) => {
        const ciphers = (await Promise.all(providers.map(ciphersOf))).flat();
        const [first] = providers;
        return {
          resources,
          writer: first === undefined || first.kind === 'identity' ? undefined : ciphers[0],
          ciphers,
          takesPlain: providers.some(({ kind }) => kind === 'identity'),
        };
      }),
    );
  }
}

function startsWith(value: Buffer, prefix: Buffer): boolean {
  return value.length >= prefix.length && value.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
}

function covers(pattern: string, group: string, resource: string): boolean {
  if (pattern === '*.*') return true;
  const dot = pattern.indexOf('.');
  const name = dot < 0 ? pattern : pattern.slice(0, dot);
  const wantedGroup = dot < 0 ? '' : pattern.slice(dot + 1);
  return (name === '*' || name === resource) && wantedGroup === group;
}
