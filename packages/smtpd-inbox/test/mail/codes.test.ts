/** One-time codes in mail as services write it, and numbers that are none. */

import { describe, expect, it } from 'vitest';

import { findCodes, type CodeSources } from '../../src/mail/codes.js';

/** The code that stands first, and is sure; `undefined` when none is. */
function code(sources: CodeSources): string | undefined {
  const [first] = findCodes(sources);
  return first !== undefined && first.confidence >= 0.6 ? first.code : undefined;
}

const WITH_CODE: readonly (readonly [expected: string, text: string, subject?: string])[] = [
  // English
  ['493027', 'Your verification code is 493027.'],
  [
    '493027',
    'Hi Ann,\n\nUse the following code to sign in:\n\n493027\n\nIt expires in 10 minutes.\n\n© 2026 Shop Inc, 548 Market St, San Francisco, CA 94104',
  ],
  ['G-582914', 'G-582914 is your Google verification code.'],
  ['123-456', 'Your confirmation code: 123-456'],
  ['482193', 'Enter this code to continue:\n482 193\nIf you did not ask for it, call +1 (555) 010-0199.'],
  ['0042', 'Your PIN is 0042. Never share it.'],
  ['7391', 'Your one-time passcode is 7391 and is valid for 15 minutes.'],
  ['81620435', '81620435 is your security code. It will expire in 30 minutes.'],
  ['A7K2QX', 'Here is your login code: A7K2QX'],
  ['XKQ-7TP', 'Confirm your email address\n\nXKQ-7TP\n\nEnter this code in the window where you signed up.'],
  ['QRT-XWZ', 'Your confirmation code is QRT-XWZ'],
  ['k3x9qz', 'Your temporary password: k3x9qz'],
  ['304958', 'Order #20481234 was placed.\nYour pickup code is 304958.\nTotal: $1299.00'],
  ['551029', 'Someone tried to log in on 14 March 2026 at 09:26. If this was you, enter 551029 as your 2FA code.'],
  ['2026', 'Your verification code is 2026'],
  ['190284', 'OTP: 190284. Do not share this OTP with anyone, not even with bank staff. A/c ending in 4471.'],
  ['664120', 'Security alert\n\nVerification code\n664120\n\nThis code expires in 600 seconds.'],
  ['918273', 'To verify your email, type in 9 1 8 2 7 3 as your verification code.'],
  ['918273', 'Your code:\n9\n1\n8\n2\n7\n3\n'],
  ['407731', 'Your Stripe verification code is:\n\n**407731**\n\nDon’t share this code with anyone.'],
  ['203948', 'Please return to the app and enter the code below.\n\n\n203948\n\n\nThanks,\nThe team'],
  [
    '58291',
    'Instagram\n\nHi ann,\nSomeone tried to sign up for an account with ann@a.example. If it was you, enter this confirmation code in the app:\n58291',
  ],
  ['335577', 'ann, your sign-in code is 335577 (request from 203.0.113.7, Chrome 126)'],
  ['860022', '', '860022 is your verification code'],
  ['719204', 'Enter it now:\n719204', 'Your login code'],
  ['MN4P8Q2R', 'Recovery code: MN4P8Q2R'],
  ['ABCD-1234', 'Your activation code is ABCD-1234.'],
  // German
  ['882113', 'Ihr Bestätigungscode lautet: 882 113'],
  ['4821', 'Dein Code ist 4821. Er gilt 10 Minuten.'],
  [
    '650912',
    'Hallo Jürgen,\n\nmit diesem Einmalpasswort meldest du dich an:\n\n650912\n\nBestellnummer: 100200300\nTel. 030 1234567',
  ],
  ['917345', 'TAN 917345 für Ihre Überweisung über 1250,00 EUR auf DE02 1203 0000 0000 2020 51'],
  ['55820', 'Sicherheitscode: 55820 (Kundennummer 8812345)'],
  // French, Spanish, Portuguese, Italian
  ['273849', 'Votre code de vérification est le 273849'],
  ['904412', 'Voici votre code à usage unique : 904412. Il expire dans 5 minutes.'],
  ['615243', 'Tu código de verificación es 615243'],
  ['330187', 'Introduce este código de acceso:\n330187\nPedido 99887766'],
  ['741852', 'Seu código de segurança é 741852'],
  ['159753', 'Il tuo codice di verifica è 159753'],
  ['204060', 'Codice OTP: 204060'],
  // Dutch, Nordic, Polish, Czech, Turkish, Greek
  ['482716', 'Je verificatiecode is 482716'],
  ['918364', 'Din verifieringskod är 918364'],
  ['664433', 'Din engangskode er 664433'],
  ['502731', 'Vahvistuskoodisi on 502731'],
  ['835291', 'Twój kod weryfikacyjny: 835291'],
  ['716253', 'Váš ověřovací kód je 716253'],
  ['605948', 'Doğrulama kodunuz: 605948'],
  ['391827', 'Ο κωδικός επαλήθευσης είναι 391827'],
  // Russian, Ukrainian
  ['771204', 'Ваш код подтверждения: 771204'],
  ['40192', 'Код для входа 40192. Никому его не сообщайте. Заказ № 5544332'],
  ['884422', 'Ваш одноразовий пароль: 884422'],
  // Chinese, Japanese, Korean
  ['593827', '【商城】您的验证码是593827，请在5分钟内使用。订单号20481234'],
  ['204815', '認証コードは 204815 です。有効期限は10分です。'],
  ['662901', '確認コード：662901\nこのコードを画面に入力してください。'],
  ['318204', '您的驗證碼為 318204'],
  ['849201', '인증번호 [849201]를 입력해 주세요.'],
  // Arabic, Hebrew, Hindi, Thai, Vietnamese, Indonesian
  ['627384', 'رمز التحقق الخاص بك هو 627384'],
  ['551173', 'קוד האימות שלך הוא 551173'],
  ['730415', 'आपका सत्यापन कोड 730415 है'],
  ['806251', 'รหัสยืนยันของคุณคือ 806251'],
  ['445566', 'Mã xác minh của bạn là 445566'],
  ['998107', 'Kode verifikasi Anda adalah 998107'],
];

const WITHOUT_CODE: readonly (readonly [what: string, text: string, subject?: string])[] = [
  ['a newsletter', 'Spring 2026\n\n30% off until 31.03.2026. Prices from $1299 to €2499.\n\n© 2026 Shop Inc'],
  [
    'an order',
    'Thank you for your order 20481234. It weighs 1200 g and costs 4999 JPY. It arrives on 2026-03-14.',
    'Order 20481234',
  ],
  [
    'an invoice',
    'Rechnung Nr. 2026001234 vom 14.03.2026, fällig am 28.03.2026. Betrag: 1250 EUR. IBAN DE02 1203 0000 0000 2020 51',
  ],
  ['a telephone', 'Call us: +1 555 010 0199 or 0800 123456. Fax: 030 1234567'],
  ['a promotion', 'Use promo code SPRING26 for 20% off.', 'Your discount code'],
  ['a ticket', 'Ticket #482193 was closed. Case 00912834 remains open.'],
  ['a parcel', 'Tracking number: 482193004512. Your parcel is on its way.'],
  ['an address', '1600 Amphitheatre Parkway, Mountain View, CA 94043'],
  ['a year', 'We have been here since 1998. In 2025 we grew.'],
  ['an event', 'The meeting is on March 14, 2026 at 10:30 in room 4021.'],
  ['a link', 'Reset: https://a.example/reset/482193?code=551029'],
  ['an address of mail', 'Write to user4821@a.example'],
  ['versions', 'Released version 2026 with SHA256 and UTF8 and MP3.'],
  ['a colour', 'The background is #123456.'],
  ['a number of users', 'You have 123456 followers and 4821 points.'],
  ['a Chinese order', '您的订单号20481234已发货，电话 400800'],
  ['a price beside a code', 'Your voucher code is worth $4999.'],
  ['points', 'Your code is worth 5000 points.'],
  ['an amount', 'The code is for 1250 EUR.'],
  ['a time', 'Your code is valid for 1440 minutes.'],
  ['a telephone beside a code', 'Your code did not come? Call 555 010 0199.'],
  ['a telephone with its country', 'No code: +15550100199'],
  ['a postal code', 'Your security code office: CA 94043'],
  ['a street', 'Pick up your code: 1600 Market Street'],
  ['a part of a date', 'Your code is void after 14.03.2026'],
  ['a year beside a code', 'Your code is a gift. Copyright 2026 Shop'],
  ['a date beside a code', 'Your code expires on March 14, 2026.'],
  ['a copyright beside a code', 'Your verification code – © 2026 Shop'],
  ['nothing', ''],
];

describe('one-time codes', () => {
  it.each(WITH_CODE)('%s in %j', (expected, text, subject) => {
    expect(code({ text, subject })).toBe(expected);
  });

  it.each(WITHOUT_CODE)('none in %s', (_what, text, subject) => {
    expect(code({ text, subject })).toBeUndefined();
  });

  it('are listed once, the likeliest first, without what only looks like one', () => {
    const codes = findCodes({
      subject: '493027 is your code',
      text: 'Order 20481234.\n\nYour code is 493027.',
      htmlText: 'Your code\n493027',
    });
    expect(codes.map(({ code }) => code)).toEqual(['493027']);
    expect(codes[0]!.confidence).toBeGreaterThan(0.9);
  });

  it('come with the words around them', () => {
    expect(findCodes({ text: 'Hello.\n\nYour code is\n\n493027\n\nBye.' })).toMatchObject([
      { code: '493027', context: 'Hello. Your code is 493027 Bye.', in: 'text' },
    ]);
  });

  it('are found in no time in what was made to take long', () => {
    for (const piece of ['1 2 3 4 ', 'A1B2-', 'code ', '123456\n', 'code 123456 ', '(', '. ']) {
      findCodes({ text: piece.repeat(1_000_000 / piece.length) });
    }
  }, 5_000);
});
