/** Messages made by nodemailer. */
import nodemailer from 'nodemailer';

const transport = nodemailer.createTransport({ streamTransport: true, buffer: true, newline: 'windows' });
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** What services send, in the languages in which they send it. */
const WORDS = {
  de: ['Setzen Sie Ihr Passwort zurück', 'Hallo Jürgen, klicken Sie hier, um Ihr Passwort zurückzusetzen.'],
  fr: ['Réinitialisez votre mot de passe', 'Bonjour Zoë, cliquez ici pour choisir un nouveau mot de passe.'],
  es: ['Restablece tu contraseña', 'Hola Íñigo, haz clic aquí para restablecer tu contraseña.'],
  pt: ['Redefina sua senha', 'Olá João, clique aqui para redefinir sua senha.'],
  pl: ['Zresetuj hasło', 'Cześć Łukasz, kliknij tutaj, aby zresetować hasło.'],
  cs: ['Obnovení hesla', 'Dobrý den, klikněte sem a zvolte si nové heslo, příteli Jiří.'],
  tr: ['Şifrenizi sıfırlayın', 'Merhaba Gülşah, şifrenizi sıfırlamak için tıklayın.'],
  ru: ['Сброс пароля', 'Здравствуйте, Юрий! Нажмите, чтобы сбросить пароль.'],
  el: ['Επαναφορά κωδικού', 'Γεια σου Νίκο, πάτησε εδώ για νέο κωδικό.'],
  ar: ['إعادة تعيين كلمة المرور', 'مرحبا، انقر هنا لإعادة تعيين كلمة المرور.'],
  he: ['איפוס סיסמה', 'שלום, לחצו כאן כדי לאפס את הסיסמה.'],
  hi: ['पासवर्ड रीसेट करें', 'नमस्ते, पासवर्ड रीसेट करने के लिए यहाँ क्लिक करें।'],
  zh: ['重置密码', '您好，请点击此处重置密码。'],
  ja: ['パスワードの再設定', 'こんにちは、パスワードを再設定するにはこちらをクリックしてください。'],
  ko: ['비밀번호 재설정', '안녕하세요, 비밀번호를 재설정하려면 여기를 클릭하세요.'],
  th: ['รีเซ็ตรหัสผ่าน', 'สวัสดี คลิกที่นี่เพื่อรีเซ็ตรหัสผ่าน'],
};

const VARIANTS = {
  plain: { text: 'Plain words.\n', contains: ['Plain words.'] },
  html: { html: '<p>Only <b>HTML</b></p>' },
  alternative: { text: 'Plain words.', html: '<p>HTML words</p>', contains: ['Plain words.'] },
  'text-base64': { text: 'Base64: äöü', textEncoding: 'base64', contains: ['Base64: äöü'] },
  'text-quoted-printable': {
    text: `Quoted: äöü = ${'long '.repeat(60)}`,
    textEncoding: 'quoted-printable',
    contains: ['Quoted: äöü ='],
  },
  attachments: {
    text: 'Attached.',
    attachments: [
      { filename: 'a.txt', content: 'A' },
      { filename: 'b.json', content: '{}' },
      { content: 'no name', contentType: 'application/x-thing' },
    ],
    contains: ['Attached.'],
  },
  'attachment-umlaut': {
    text: 'Anbei.',
    attachments: [{ filename: 'Übersicht März.pdf', content: '%PDF' }],
    contains: ['Anbei.'],
  },
  'attachment-japanese': {
    text: '添付',
    attachments: [{ filename: '長い名前のファイル'.repeat(12) + '.xlsx', content: 'PK' }],
    contains: ['添付'],
  },
  'attachment-quotes': {
    text: 'Quotes.',
    attachments: [{ filename: 'a "b" \\c.txt', content: 'x' }],
    contains: ['Quotes.'],
  },
  'attachment-7bit': {
    text: 'Seven.',
    attachments: [
      { filename: 'x.txt', content: 'seven bits', contentTransferEncoding: '7bit' },
      { filename: 'y.txt', content: 'quoted = printable', contentTransferEncoding: 'quoted-printable' },
    ],
    contains: ['Seven.'],
  },
  'picture-within': {
    html: '<img src="cid:dot@nodemailer.example" alt="dot">',
    attachments: [{ filename: 'dot.png', content: PNG, cid: 'dot@nodemailer.example' }],
  },
  'picture-within-alternative': {
    text: 'A dot.',
    html: '<img src="cid:dot@nodemailer.example">',
    attachments: [
      { filename: 'dot.png', content: PNG, cid: 'dot@nodemailer.example' },
      { filename: 'terms.txt', content: 'terms' },
    ],
    contains: ['A dot.'],
  },
  'picture-data-url': { html: `<img src="data:image/png;base64,${PNG.toString('base64')}">`, attachDataUrls: true },
  'message-attached': {
    text: 'Forwarded.',
    attachments: [
      {
        filename: 'original.eml',
        contentType: 'message/rfc822',
        content: 'Subject: original\r\n\r\nOriginal words.\r\n',
        contentTransferEncoding: '7bit',
      },
    ],
    contains: ['Forwarded.'],
  },
  'calendar-request': {
    text: 'Invited.',
    icalEvent: { method: 'REQUEST', content: 'BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n' },
    contains: ['Invited.'],
  },
  'calendar-file': {
    text: 'Invited.',
    html: '<p>Invited.</p>',
    icalEvent: { filename: 'invite.ics', method: 'PUBLISH', content: 'BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n' },
    contains: ['Invited.'],
  },
  amp: {
    text: 'Plain.',
    html: '<p>HTML</p>',
    amp: '<!doctype html><html ⚡4email><body>AMP</body></html>',
    contains: ['Plain.'],
  },
  watch: { text: 'Plain.', html: '<p>HTML</p>', watchHtml: '<b>Watch</b>', contains: ['Plain.'] },
  list: {
    text: 'News.',
    list: {
      unsubscribe: [{ url: 'https://a.example/leave?u=1', comment: 'Leave' }, 'leave@a.example'],
      help: 'help@a.example',
      id: { url: 'news.a.example', comment: 'News' },
    },
    contains: ['News.'],
  },
  recipients: {
    text: 'All.',
    to: Array.from({ length: 40 }, (_, n) => ({ name: `Perßon, ${n}`, address: `p${n}@b.example` })),
    cc: 'Gruppe: a@c.example, "B, C" <b@c.example>;',
    contains: ['All.'],
  },
  'address-unicode': {
    text: 'Unicode.',
    from: 'Jörg <jörg@nodemailer.example>',
    to: 'x@bücher.example',
    contains: ['Unicode.'],
  },
  reply: {
    text: '> quoted\n\nAnswer.',
    inReplyTo: '<1@b.example>',
    references: ['<0@b.example>', '<1@b.example>'],
    replyTo: 'r@a.example',
    priority: 'high',
    contains: ['Answer.'],
  },
  'long-subject': { text: 'Long.', subject: 'Ein sehr langer Betreff über Größe '.repeat(10), contains: ['Long.'] },
  emoji: { text: '👩‍👩‍👧‍👦 family', subject: '🎉 '.repeat(30), contains: ['👩‍👩‍👧‍👦 family'] },
  headers: {
    text: 'Fields.',
    headers: { 'X-Plain': 'value', 'X-Umlaut': 'Wäsche', 'X-Many': ['one', 'two'], 'X-Long': 'word '.repeat(100) },
    contains: ['Fields.'],
  },
  'format-flowed': { text: `Long ${'paragraph '.repeat(30)}`, textEncoding: '7bit', contains: ['Long paragraph'] },
  'dots-and-froms': { text: '.\n..\nFrom here\n-- \nAnn', contains: ['From here'] },
  'html-newsletter': {
    html: `<!doctype html><html><head><title>News</title><style>td{padding:4px}@media (max-width:600px){td{display:block}}</style></head><body><div style="display:none">Preheader&zwnj;&nbsp;&zwnj;</div><table>${'<tr><td>Ärtikel</td><td><a href="https://news.example/?utm=1&amp;x=2">Read&nbsp;on</a></td></tr>'.repeat(20)}</table><img src="https://track.example/p.gif" width=1 height=1></body></html>`,
  },
  unix: { text: 'Unix.\nLines.\n', newline: 'unix', contains: ['Unix.'] },
};

/** @param put what takes a message */
export async function nodemailerMessages(put) {
  const common = {
    from: 'Shop <shop@nodemailer.example>',
    to: 'Bob <bob@b.example>',
    date: new Date('2026-03-14T09:26:53Z'),
  };
  for (const [name, { contains = [], newline = 'windows', ...variant }] of Object.entries(VARIANTS)) {
    const { message } = await transport.sendMail({
      ...common,
      subject: `Variant ${name}`,
      messageId: `<${name}@nodemailer.example>`,
      newline,
      ...variant,
    });
    put({ name: `nodemailer-${name}`, maker: 'nodemailer', contains, raw: message });
  }
  for (const [language, [subject, text]] of Object.entries(WORDS)) {
    const { message } = await transport.sendMail({
      ...common,
      subject,
      text: `${text}\nhttps://shop.example/reset/${language}\n`,
      messageId: `<${language}@nodemailer.example>`,
      html: `<html lang="${language}"><body><p>${text}</p><a href="https://shop.example/reset/${language}">${subject}</a></body></html>`,
    });
    put({ name: `nodemailer-reset-${language}`, maker: 'nodemailer', contains: [text], raw: message });
  }
}
