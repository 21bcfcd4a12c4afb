/** Compares the differences that a test found with those that `differences.ts` explains. */

import { expect } from 'vitest';

import type { Finding } from './judgement.js';

/** The differences found are the differences declared: none is unexplained, and no explanation is stale. */
export function expectDeclared(findings: readonly Finding[], declared: readonly string[]): void {
  const unexplained = findings.filter(({ aspect }) => !declared.includes(aspect));
  expect(unexplained, 'differences that differences.ts does not explain').toEqual([]);
  expect(findings.map(({ aspect }) => aspect)).toEqual(declared);
}
