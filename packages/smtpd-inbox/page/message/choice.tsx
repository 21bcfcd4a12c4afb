/** One of a few: buttons that belong together, of which one is pressed. */

import { Icon, type IconName } from '../ui/icon.js';

interface ChoiceProps<Value extends string> {
  readonly label: string;
  readonly value: Value;
  readonly options: readonly {
    readonly value: Value;
    readonly text: string;
    readonly title?: string;
    readonly icon?: IconName;
  }[];
  readonly onChoose: (value: Value) => void;
}

export function Choice<Value extends string>({ label, value, options, onChoose }: ChoiceProps<Value>) {
  return (
    <div class="msg-choice" role="group" aria-label={label}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          title={option.title ?? option.text}
          onClick={() => {
            onChoose(option.value);
          }}
        >
          {option.icon === undefined ? null : <Icon name={option.icon} />}
          {option.text}
        </button>
      ))}
    </div>
  );
}
