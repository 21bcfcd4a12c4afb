/** Makes the folder of a store, with those above it that are missing. */

import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it, as far as they are not there yet.
 *
 * Not `recursive: true`, which never ends in `/proc`: where a name can neither be found nor be made, it tries again, and no signal reaches it.
 *
 * @throws the system's error when one of them cannot be made
 */
export async function makeFolder(folder: string, mode: number): Promise<void> {
  try {
    await makeOne(folder, mode);
  } catch (error) {
    const parent = dirname(folder);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === folder) throw error;
    await makeFolder(parent, mode);
    // Once: the folder above is there now.
    await makeOne(folder, mode);
  }
}

async function makeOne(folder: string, mode: number): Promise<void> {
  try {
    await mkdir(folder, { mode });
  } catch (error) {
    // It may be there, or somebody was first; what a system says of it differs.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || !(await isFolder(folder))) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
