/** The search box: what is typed is in the address a moment later, and operators are suggested on the way. */

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

import { formatKeys, focusList } from '../commands/command-table.js';
import { list, phase, problem } from '../state/mailbox.js';
import { narrow, route } from '../state/route.js';
import { inboxes } from '../state/server-facts.js';
import { Button } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { suggest, withSuggestion, type KnownValues, type Suggestion } from './suggestions.js';

export function SearchBox() {
  const input = useRef<HTMLInputElement>(null);
  const text = useSignal(route.value.query);
  const suggestions = useSignal<readonly Suggestion[]>([]);
  const chosen = useSignal(-1);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  // The address may change otherwise: by the back button, by a command. While somebody types, it follows the box.
  useEffect(() => {
    if (route.value.query !== text.peek().trim()) text.value = route.value.query;
  }, [route.value.query]);

  const search = (isTyping: boolean) => {
    clearTimeout(timer.current);
    narrow({ inbox: route.value.inbox, query: text.value.trim() }, { isTyping });
  };
  const look = () => {
    const cursor = input.current?.selectionStart ?? text.value.length;
    suggestions.value = suggest(text.value, cursor, knownValues());
    chosen.value = -1;
  };
  const close = () => {
    suggestions.value = [];
    chosen.value = -1;
  };
  const type = (value: string) => {
    text.value = value;
    look();
    clearTimeout(timer.current);
    // An operator whose value is still to come finds nothing yet, and is no fault either.
    if (!/(^|\s)-?[a-z-]+:$/i.test(value)) timer.current = setTimeout(() => search(true), TYPING_MS);
  };
  const take = (suggestion: Suggestion) => {
    const next = withSuggestion(text.value, suggestion);
    type(next.text);
    if (input.current !== null) {
      input.current.value = next.text;
      input.current.setSelectionRange(next.cursor, next.cursor);
      input.current.focus();
    }
    look();
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const active = suggestions.value[chosen.value];
    if (step !== undefined && suggestions.value.length > 0) {
      // -1 is the box itself.
      const places = suggestions.value.length + 1;
      chosen.value = ((chosen.value + 1 + step + places) % places) - 1;
    } else if ((event.key === 'Enter' || event.key === 'Tab') && active !== undefined) take(active);
    else if (event.key === 'Enter') {
      close();
      search(false);
      focusList();
    } else if (event.key === 'Escape' && suggestions.value.length > 0) close();
    else if (event.key === 'Escape') {
      text.value = '';
      search(false);
      focusList();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const fault = phase.value === 'failed' && problem.value?.code === 'BAD_SEARCH' ? problem.value.message : undefined;
  const isOpen = suggestions.value.length > 0;
  return (
    <search class={`search ${fault === undefined ? '' : 'is-wrong'}`}>
      <Icon name="search" />
      <input
        ref={input}
        id="search"
        type="text"
        role="combobox"
        aria-label="Search mail"
        aria-autocomplete="list"
        aria-expanded={isOpen}
        aria-controls="search-suggestions"
        aria-activedescendant={chosen.value < 0 ? undefined : `suggestion-${String(chosen.value)}`}
        aria-invalid={fault !== undefined}
        aria-describedby={fault === undefined ? undefined : 'search-fault'}
        placeholder="Search: words, from:, subject:, is:unread …"
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        value={text.value}
        onInput={(event) => type(event.currentTarget.value)}
        onFocus={look}
        onClick={look}
        onBlur={close}
        onKeyDown={press}
      />
      {text.value === '' ? (
        <kbd class="search-key" aria-hidden="true">
          {formatKeys('/')}
        </kbd>
      ) : (
        <Button
          label="Clear the search"
          icon="close"
          look="icon"
          onPress={() => {
            text.value = '';
            search(false);
            input.current?.focus();
          }}
        />
      )}
      <ul id="search-suggestions" role="listbox" aria-label="Suggestions" class="suggestions" hidden={!isOpen}>
        {suggestions.value.map((suggestion, index) => (
          <li
            key={suggestion.label}
            id={`suggestion-${String(index)}`}
            role="option"
            aria-selected={index === chosen.value}
            class="suggestion"
            // The box keeps the focus.
            onMouseDown={(event) => {
              event.preventDefault();
              take(suggestion);
            }}
          >
            <code>{suggestion.label}</code>
            <span class="cut">{suggestion.help}</span>
          </li>
        ))}
      </ul>
      {fault === undefined ? null : (
        <p id="search-fault" role="alert" class="search-fault">
          <Icon name="warning" />
          {fault}
        </p>
      )}
    </search>
  );
}

/** What may stand behind operators: what is in the list. */
function knownValues(): KnownValues {
  const { entries } = list.value;
  const some = entries.slice(0, KNOWN_ENTRIES);
  const values = (each: (entry: (typeof some)[number]) => readonly string[]) => [...new Set(some.flatMap(each))];
  return {
    from: values(({ envelope: { mailFrom } }) => (mailFrom === '' ? [] : [mailFrom])),
    to: values(({ envelope: { rcptTos } }) => rcptTos),
    tag: values(({ tags }) => tags),
    filename: values(({ attachmentNames }) => attachmentNames.filter((name) => name !== '')),
    inbox: inboxes.value.map(({ name }) => name),
  };
}

const TYPING_MS = 220;
const KNOWN_ENTRIES = 500;
