/** Style sheets and style attributes as flat lists with their lines. What is not well formed is passed over, the rest is read. */

import postcss, { type ChildNode, type Declaration, type Root } from 'postcss';

/** What stands in CSS, without its nesting. */
export interface CSSFacts {
  readonly declarations: readonly CSSDeclaration[];
  readonly rules: readonly { readonly selector: string; readonly line: number; readonly isNested: boolean }[];
  readonly atRules: readonly { readonly name: string; readonly parameters: string; readonly line: number }[];
  /** The lines of comments. */
  readonly comments: readonly number[];
}

export interface CSSDeclaration {
  /** In lower case, without the prefix of a maker. */
  readonly property: string;
  readonly value: string;
  readonly isImportant: boolean;
  readonly line: number;
}

/** Reads a style sheet, or the value of a style attribute. `firstLine` is the line where it begins. Never throws. */
export function readCSS(css: string, firstLine: number): CSSFacts {
  const facts = {
    declarations: [] as CSSDeclaration[],
    rules: [] as { selector: string; line: number; isNested: boolean }[],
    atRules: [] as { name: string; parameters: string; line: number }[],
    comments: [] as number[],
  };
  for (const { root, line } of parsedPieces(css.slice(0, CSS_LENGTH_MAX), firstLine)) {
    // Not by recursion: it would be as deep as the style sheet.
    const waiting: { node: ChildNode; isNested: boolean }[] = [...root.nodes]
      .reverse()
      .map((node) => ({ node, isNested: false }));
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { node, isNested } = next;
      const at = line + (node.source?.start?.line ?? 1) - 1;
      switch (node.type) {
        case 'decl':
          facts.declarations.push(declarationOf(node, at));
          break;
        case 'comment':
          facts.comments.push(at);
          break;
        case 'rule':
          facts.rules.push({ selector: node.selector, line: at, isNested });
          break;
        case 'atrule':
          facts.atRules.push({ name: unprefixed(node.name), parameters: node.params, line: at });
          break;
      }
      const children = childrenOf(node);
      for (let index = children.length - 1; index >= 0; index--) {
        const child = children[index];
        if (child !== undefined) waiting.push({ node: child, isNested: isNested || node.type === 'rule' });
      }
    }
  }
  return facts;
}

/** Characters of CSS beyond which nothing is read. */
export const CSS_LENGTH_MAX = 524_288;

function childrenOf(node: ChildNode): readonly ChildNode[] {
  return node.type === 'rule' || node.type === 'atrule' ? (node.nodes ?? []) : [];
}

function declarationOf(node: Declaration, line: number): CSSDeclaration {
  const property = node.prop.startsWith('--') ? node.prop : unprefixed(node.prop.replace(/^[*_]/, ''));
  return { property, value: node.value, isImportant: node.important === true, line };
}

function unprefixed(name: string): string {
  return name.toLowerCase().replace(/^-(?:webkit|moz|ms|o)-/, '');
}

/** The whole, or what is well formed of it, piece by piece. */
function* parsedPieces(css: string, firstLine: number): Iterable<{ root: Root; line: number }> {
  let rest = css;
  let line = firstLine;
  for (let pieces = 0; pieces < PIECES_MAX && rest.trim() !== ''; pieces++) {
    const parsed = parse(rest);
    if (parsed.root !== undefined) {
      yield { root: parsed.root, line };
      return;
    }
    // What ends before the fault is read, and what begins behind it.
    const before = Math.max(rest.lastIndexOf('}', parsed.faultAt - 1), rest.lastIndexOf(';', parsed.faultAt - 1));
    const { root } = parse(rest.slice(0, before + 1));
    if (root !== undefined) yield { root, line };
    const ends = [rest.indexOf('}', parsed.faultAt), rest.indexOf(';', parsed.faultAt)].filter((at) => at >= 0);
    if (ends.length === 0) return;
    const behind = Math.min(...ends) + 1;
    line += rest.slice(0, behind).split('\n').length - 1;
    rest = rest.slice(behind);
  }
}

function parse(css: string): { root: Root; faultAt: 0 } | { root: undefined; faultAt: number } {
  try {
    // Without `map: false` it would look for the source map that a comment brings or names; older versions open any file.
    return { root: postcss.parse(css, { map: false }), faultAt: 0 };
  } catch (error) {
    const { line = 1, column = 1 } = error as { line?: number; column?: number };
    const linesBefore = css.split('\n', line - 1);
    const lengthBefore = linesBefore.reduce((sum, { length }) => sum + length + 1, 0);
    return { root: undefined, faultAt: Math.min(css.length, lengthBefore + column - 1) };
  }
}

const PIECES_MAX = 20;
