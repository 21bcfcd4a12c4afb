/** Makes a folder, with those above it that are missing. */

import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it, as far as they are not there yet.
 *
 * Not `recursive: true`, which never ends in `/proc`: where a name can neither be found nor be made, it tries again, and no signal reaches it.
 *
 * @returns the first one that was made, or `undefined`
 * @throws the system's error when one of them cannot be made
 */
export async function makeFolder(folder: string, mode: number): Promise<string | undefined> {
  try {
    return (await makeOne(folder, mode)) ? folder : undefined;
  } catch (error) {
    const parent = dirname(folder);
    if (!hasCode(error, 'ENOENT') || parent === folder) throw error;
    const first = await makeFolder(parent, mode);
    // Once: the folder above is there now.
    return (await makeOne(folder, mode)) ? (first ?? folder) : first;
  }
}

/** @returns whether it was made; it may have been there, or somebody was first */
async function makeOne(folder: string, mode: number): Promise<boolean> {
  try {
    await mkdir(folder, { mode });
    return true;
  } catch (error) {
    // What a system says of a folder that is there differs: on a disk that is read only, or of a drive.
    if (!hasCode(error, 'ENOENT') && (await isFolder(folder))) return false;
    throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
