/**
 * Where this package lies, with what it reads from there. What is made of this file stands at the top of `dist`, as it stands at the top of
 * `src`: the folder above is the package's in both.
 */

export const PACKAGE_FOLDER = new URL('../', import.meta.url);
