/** The old proxies’ conversations, held through ours before scripted servers. `differences.ts` explains whatever goes otherwise. */

import { describe, expect, it } from 'vitest';

import { expectDeclared } from './declared.js';
import { DIFFERENCES } from './differences.js';
import { acceptedContents, findMailmanDifferences, findProxyDifferences } from './judgement.js';
import { converseThroughProxy, isForList, sendThroughMailman } from './proxy-conversation.js';
import { scenariosOf } from './transcripts.js';

describe('through PureProxy', () => {
  for (const scenario of scenariosOf('proxy')) {
    const declared = DIFFERENCES[scenario.name];
    it(`${scenario.name} goes ${declared?.weDo ?? (scenario.preferredCodes === undefined ? 'the same' : 'better')}`, async () => {
      const outcome = await converseThroughProxy(scenario);
      expectDeclared(findProxyDifferences(scenario, outcome), declared?.aspects ?? []);
      if (declared?.codes !== undefined) expect(outcome.replies.map(({ code }) => code)).toEqual(declared.codes);
      if (scenario.deviation !== undefined && scenario.preferredCodes === undefined) {
        expect(declared?.codes, 'a deviation with several good answers says which one is ours').toBeDefined();
      }
      // The client is promised what the server behind has promised, neither more nor less.
      expect(acceptedContents(outcome.replies)).toBe(outcome.takenCount);
      expect(outcome.unusedAnswers).toEqual([]);
    });
  }
});

describe('through MailmanProxy', () => {
  for (const scenario of scenariosOf('mailman')) {
    const declared = DIFFERENCES[scenario.name];
    it(`${scenario.name} goes ${declared?.weDo ?? 'the same'}`, async () => {
      const outcome = await sendThroughMailman(scenario);
      expectDeclared(findMailmanDifferences(scenario, outcome), declared?.aspects ?? []);
      if (declared?.codes !== undefined) expect(outcome.codes).toEqual(declared.codes);
      expect(outcome.handed.map(({ recipient }) => recipient)).toEqual(
        scenario.rcptTos.filter((address) => isForList(scenario.lists, address)),
      );
    });
  }

  it('an unknown address in a domain of lists is relayed as before, where that is wanted', async () => {
    const scenario = scenariosOf('mailman').find(({ name }) => name === 'list-unknown-list-is-relayed');
    if (scenario === undefined) throw new Error('The scenario has another name now');
    const outcome = await sendThroughMailman(scenario, { unknownInListDomain: 'relay' });
    expect(findMailmanDifferences(scenario, outcome)).toEqual([]);
  });
});
