import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

import { formatCompletion } from '../../src/cli/completion.js';
import { COMMANDS, SERVE } from '../../src/cli/commands.js';

/** What bash offers behind these words. */
function offered(...words: string[]): string[] {
  const script = `${formatCompletion('bash')}
    COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${String(words.length - 1)}
    _smtpd; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split('\n');
}

describe('completion', () => {
  it('offers commands and options in bash', () => {
    expect(offered('smtpd', 'd')).toEqual(['debug']);
    expect(offered('smtpd', '--s')).toEqual(['--size', '--smtputf8']);
    expect(offered('smtpd', '--max-re')).toEqual(['--max-refusals', '--max-recipients']);
    expect(offered('smtpd', 'debug', '--tls', '')).toEqual(['off', 'offer', 'require', 'implicit']);
    expect(offered('smtpd', 'help', 'li')).toEqual(['limits']);
    expect(offered('smtpd', 'debug', '--j')).toEqual(['--json']);
    expect(offered('smtpd', 'debug', '--no-s')).toEqual(['--no-smtputf8']);
    expect(offered('smtpd', 'debug', '--format', '')).toEqual(['text', 'json', 'python']);
    expect(offered('smtpd', 'completion', 'z')).toEqual(['zsh']);
  });

  it.each(['bash', 'zsh', 'fish'])('names every command and option in %s', (shell) => {
    const script = formatCompletion(shell);
    for (const { name, options } of [SERVE, ...COMMANDS]) {
      expect(script).toContain(name);
      for (const option of options) expect(script).toMatch(new RegExp(`(?:--|-l )${option.name}\\b`));
    }
  });

  it('asks for a shell that it knows', () => {
    expect(() => formatCompletion('tcsh')).toThrow('smtpd completion bash, zsh or fish');
    expect(() => formatCompletion(undefined)).toThrow('smtpd completion bash, zsh or fish');
  });
});
