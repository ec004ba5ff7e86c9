import { access, constants } from 'node:fs/promises';
import path from 'node:path';

/** Where Debian and others put programs of the administrator, which a PATH may lack. */
const usualFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** The absolute path of a program; the bare name when there is none, so that using it says what is missing. */
export async function findProgram(name: string): Promise<string> {
  if (path.isAbsolute(name)) return name;
  for (const folder of [...(process.env['PATH'] ?? '').split(':'), ...usualFolders]) {
    const file = path.join(folder, name);
    const found = await access(file, constants.X_OK).then(
      () => folder !== '',
      () => false,
    );
    if (found) return file;
  }
  return name;
}
