/** Names and values, one below the other. What has no value is not said. */

import type { ComponentChildren } from 'preact';

interface FactsProps {
  readonly facts: readonly (readonly [name: string, value: ComponentChildren])[];
}

export function Facts({ facts }: FactsProps) {
  return (
    <dl class="msg-facts">
      {facts
        .filter(([, value]) => value !== undefined && value !== null && value !== '')
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
