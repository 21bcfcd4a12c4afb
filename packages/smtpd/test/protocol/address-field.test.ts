import { describe, expect, it } from 'vitest';

import { formatAddressField } from '../../src/protocol/address-field.js';

describe('a field with an address', () => {
  it('has brackets only where its definition has', () => {
    expect(formatAddressField('Return-Path', 'alice@a.example')).toBe('Return-Path: <alice@a.example>\r\n');
    expect(formatAddressField('Return-Path', '')).toBe('Return-Path: <>\r\n');
    expect(formatAddressField('Delivered-To', 'bob@b.example')).toBe('Delivered-To: bob@b.example\r\n');
    expect(formatAddressField('X-Original-To', '用户@b.example')).toBe('X-Original-To: 用户@b.example\r\n');
  });

  it('is one line, whatever the address is', () => {
    expect(formatAddressField('Delivered-To', '"a\r\nb\n\u0000c"@b.example')).toBe(
      'Delivered-To: "a  b  c"@b.example\r\n',
    );
    expect(formatAddressField('Return-Path', 'a\u2028b')).toBe('Return-Path: <a b>\r\n');
  });
});
