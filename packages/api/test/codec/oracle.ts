import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Reference encodings that are published beside the repository; absent in a plain clone. */
const folder = path.resolve(import.meta.dirname, '../../../../../shared/oracle/roundtrip-1.36');

export interface OracleFile {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly json: string;
  readonly protobuf: Uint8Array;
}

export function oracleFiles(): OracleFile[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => {
      const json = readFileSync(path.join(folder, file), 'utf8');
      const name = file.slice(0, -'.json'.length);
      const [kind = '', version = '', ...group] = name.split('.').reverse();
      const groupName = group.reverse().join('.');
      return {
        name,
        group: groupName === 'core' ? '' : groupName,
        version,
        kind,
        json,
        protobuf: new Uint8Array(readFileSync(path.join(folder, `${name}.pb`))),
      };
    });
}
