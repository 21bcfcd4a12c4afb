/** The JSON Schema of configuration files, made from the option table. It is published as `smtpd/config.schema.json`. */

import { COMMANDS, SERVE, type CommandDefinition } from './commands.js';
import { settableInFile } from './config-file.js';
import { helpOf } from './help.js';
import { AUTOMATIC, keyOf, NO_LIMIT, PROCESSES_MAX, type OptionDefinition } from './options.js';

/**
 * Makes the schema.
 *
 * @example
 * ```ts
 * writeFileSync('schema/config.schema.json', `${JSON.stringify(makeConfigSchema(), undefined, 2)}\n`);
 * ```
 */
export function makeConfigSchema(): object {
  const listening = [...COMMANDS, SERVE].filter(({ options }) => options.some(({ name }) => name === 'config'));
  const properties = new Map<string, object>();
  for (const { options } of listening) {
    for (const definition of settableInFile(options)) {
      const key = keyOf(definition);
      if (properties.has(key)) continue;
      const owners = listening.filter((each) => each.options.some(({ name }) => name === definition.name));
      properties.set(key, propertyOf(definition, owners.length === listening.length ? [] : owners));
    }
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'smtpd configuration',
    description: 'What smtpd --config reads. Settings are called as the options are: tlsCert for --tls-cert.',
    type: 'object',
    additionalProperties: false,
    properties: {
      $schema: { description: 'Where this schema is.', type: 'string' },
      ...Object.fromEntries(properties),
    },
  };
}

function propertyOf(definition: OptionDefinition, owners: readonly CommandDefinition[]): object {
  const whose = owners.map(({ name }) => (name === '' ? 'without a command' : `smtpd ${name}`)).join(', ');
  return {
    description: `${helpOf(definition)}${whose === '' ? '' : ` (${whose} only)`}`,
    ...typeOf(definition),
    ...(definition.default === undefined ? {} : { default: definition.default }),
  };
}

function typeOf({ value, kind, choices, isRepeatable }: OptionDefinition): object {
  if (value === undefined) return { type: 'boolean' };
  if (isRepeatable === true) return { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] };
  if (choices !== undefined) return { enum: choices };
  switch (kind) {
    case 'octets':
    case 'milliseconds':
      return { type: 'integer', minimum: 0 };
    case 'seconds':
    case 'count':
      return { type: 'integer', minimum: 1 };
    case 'processes':
      return { anyOf: [{ type: 'integer', minimum: 1, maximum: PROCESSES_MAX }, { const: AUTOMATIC }] };
    case 'limit':
      return { anyOf: [{ type: 'integer', minimum: 1 }, { const: NO_LIMIT }] };
    case undefined:
    default:
      return { type: 'string' };
  }
}
