import { describe, expect, it } from 'vitest';

import { findNobody } from '../../src/cli/privileges.js';

describe('findNobody', () => {
  it('reads the ids of nobody', () => {
    const passwd = 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533:nobody:/:/bin/false\n';
    expect(findNobody(passwd)).toEqual({ userId: 65_534, groupId: 65_533 });
  });

  it('reads negative ids as the 32-bit numbers that they are', () => {
    expect(findNobody('nobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false')).toEqual({
      userId: 4_294_967_294,
      groupId: 4_294_967_294,
    });
  });

  it('finds nobody else', () => {
    expect(() => findNobody('xnobody:x:1:1::/:\nnobody2:x:2:2::/:\nnobody:x:::\n')).toThrow('no user nobody');
  });
});
