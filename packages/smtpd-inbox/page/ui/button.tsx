/** A button that does something, with its picture, its words and the keys that do the same. */

import { Icon, type IconName } from './icon.js';

interface ButtonProps {
  readonly label: string;
  readonly icon?: IconName;
  /** Shown behind the label in the tooltip. */
  readonly keys?: string | undefined;
  /** `icon` shows the picture alone; the label is its name all the same. */
  readonly look?: 'plain' | 'icon' | 'main' | 'danger' | undefined;
  readonly isDisabled?: boolean;
  readonly isPressed?: boolean;
  readonly class?: string;
  readonly onPress: () => void;
}

export function Button(props: ButtonProps) {
  const { label, icon, keys, look = 'plain', isDisabled = false, isPressed, onPress } = props;
  const tooltip = keys === undefined ? label : `${label} (${keys})`;
  return (
    <button
      type="button"
      class={`button button-${look} ${props.class ?? ''}`}
      title={look === 'icon' || keys !== undefined ? tooltip : undefined}
      aria-label={look === 'icon' ? label : undefined}
      aria-pressed={isPressed}
      disabled={isDisabled}
      onClick={onPress}
    >
      {icon === undefined ? null : <Icon name={icon} />}
      {look === 'icon' ? null : <span>{label}</span>}
    </button>
  );
}
