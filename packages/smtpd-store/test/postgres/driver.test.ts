import { openPostgresStore } from 'smtpd-store';
import { expect, it, vi } from 'vitest';

// As where nobody installed it.
vi.mock('pg', () => {
  throw new Error('Cannot find package pg');
});

it('says which package is missing', async () => {
  await expect(openPostgresStore({ url: 'postgres://localhost/mail' })).rejects.toMatchObject({
    code: 'STORE_NO_DRIVER',
    message: expect.stringContaining('install the package pg') as string,
  });
});
