/** The lines of a calendar (RFC 5545 §3.1): components, their properties and the values that are text. Nothing is known here of what they mean. Pure. */

export interface Property {
  readonly parameters: ReadonlyMap<string, string>;
  readonly value: string;
}

export interface Component {
  readonly name: string;
  readonly properties: Map<string, Property[]>;
  readonly children: Component[];
}

/** RFC 5545 §3.1 and §3.6: lines, unfolded, and what stands between BEGIN and END. */
export function readComponents(
  text: string,
  faults: Set<string>,
): { readonly roots: readonly Component[]; readonly unended: readonly string[] } {
  const root: Component = { name: '', properties: new Map(), children: [] };
  const open = [root];
  for (const line of text
    .replace(/\r\n?/g, '\n')
    .replace(/\n[ \t]/g, '')
    .split('\n')) {
    if (line.trim() === '') continue;
    const property = readLine(line);
    const top = open.at(-1) ?? root;
    if (property === undefined) {
      faults.add(`“${excerpt(line)}” is no property.`);
    } else if (property.name === 'BEGIN') {
      const component: Component = { name: property.value.toUpperCase(), properties: new Map(), children: [] };
      // What lies deeper than anything that there is belongs to nothing.
      if (open.length < DEPTH_MAX) top.children.push(component);
      open.push(component);
    } else if (property.name === 'END') {
      const name = property.value.toUpperCase();
      // Of what was begun behind it an END is missing, and what comes next is no part of that.
      const near = Math.max(1, open.length - DEPTH_MAX);
      const at = open.slice(near).findLastIndex((each) => each.name === name);
      if (at !== -1) for (const unended of open.splice(near + at).slice(1)) faults.add(noEnd(unended.name));
      else faults.add(`END:${excerpt(name)} ends nothing that was begun.`);
    } else {
      const known = top.properties.get(property.name);
      if (known === undefined) top.properties.set(property.name, [property]);
      else known.push(property);
    }
  }
  return { roots: root.children, unended: open.slice(1).map(({ name }) => name) };
}

/** That something is begun, and never ended. */
export function noEnd(name: string): string {
  return `BEGIN:${excerpt(name)} has no END.`;
}

/** `NAME;PARAMETER="quoted: value",another:value` */
function readLine(line: string): (Property & { readonly name: string }) | undefined {
  const [all, name] = /^([\w-]+)/.exec(line) ?? [];
  if (all === undefined || name === undefined) return undefined;
  const parameters = new Map<string, string>();
  let at = all.length;
  PARAMETER.lastIndex = at;
  for (let found = PARAMETER.exec(line); found !== null; found = PARAMETER.exec(line)) {
    at = PARAMETER.lastIndex;
    parameters.set((found[1] ?? '').toUpperCase(), parameterText(found[2] ?? ''));
  }
  if (line[at] !== ':') return undefined;
  return { name: name.toUpperCase(), parameters, value: line.slice(at + 1) };
}

/** What a parameter says: its quotes are no part of it, and those that are stand as `^'` (RFC 6868). */
function parameterText(written: string): string {
  return written
    .replaceAll('"', '')
    .replace(/\^(['n^])/g, (_, letter: string) => (letter === "'" ? '"' : letter === 'n' ? '\n' : '^'));
}

export function propertyOf({ properties }: Component, name: string): Property | undefined {
  return properties.get(name)?.[0];
}

export function valueOf(component: Component, name: string): string | undefined {
  const value = propertyOf(component, name)?.value.trim();
  return value === '' ? undefined : value;
}

/** RFC 5545 §3.3.11: a value that is text. */
export function textOf(component: Component, name: string): string | undefined {
  const value = propertyOf(component, name)?.value.replace(/\\([nN,;\\])/g, (_, letter: string) =>
    /n/i.test(letter) ? '\n' : letter,
  );
  return value === undefined || value.trim() === '' ? undefined : value.trim();
}

/** RFC 5545 §3.3.10: the parts of a rule, in capitals. */
export function readRule(rule: string): ReadonlyMap<string, string> {
  return new Map(
    rule.split(';').map((part) => {
      const [name = '', value = ''] = part.split('=');
      return [name.trim().toUpperCase(), value.trim().toUpperCase()] as const;
    }),
  );
}

/** As much of a text as is told of one that is wrong. */
export function excerpt(text: string): string {
  return text.length > LINE_LENGTH_TOLD ? `${text.slice(0, LINE_LENGTH_TOLD)}…` : text;
}

const PARAMETER = /;([\w-]+)=((?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)/y;
const DEPTH_MAX = 20;
const LINE_LENGTH_TOLD = 60;
