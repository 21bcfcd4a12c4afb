/** Words around numbers in mail, by language: those that announce a one-time code, and those that announce another number. */

/** Phrases that leave no doubt. */
const STRONG = [
  // English
  '(?:verification|verify|security|authenticat(?:ion|or)|auth|log[- ]?in|sign[- ]?in|sign[- ]?up|access|confirmation|activation|validation|one[- ]?time|single[- ]use|temporary|magic|2fa|mfa|backup|recovery|reset|pickup|collection)[- ](?:pin|code|password|passcode|number|key)s?',
  'passcode|OTP|TOTP|m?TAN|two[- ](?:factor|step)|2-step|(?:your|the|this|following) code|(?:enter|use|type) (?:the |this |your )?(?:following )?code|PIN(?: code| number)?',
  // German
  '(?:bestätigungs|verifizierungs|verifikations|sicherheits|einmal|zugangs|anmelde|login|freischalt|freigabe|prüf|aktivierungs|zugriffs)-?(?:code|passwort|kennwort|pin|nummer)|(?:ihr|dein|der|folgenden) code',
  // French
  "code (?:de|d[’']) ?(?:vérification|sécurité|confirmation|connexion|validation|accès|activation|authentification)|code (?:à usage unique|secret|temporaire)|mot de passe (?:à usage unique|temporaire)|votre code",
  // Spanish, Portuguese, Italian, Romanian, Catalan
  'c[óo]digo (?:de |do )?(?:verificaci[óo]n|verificação|seguridad|segurança|confirmaci[óo]n|confirmação|acceso|acesso|activaci[óo]n|ativação|autenticaci[óo]n|un solo uso|uso único)|(?:tu|su|seu|el siguiente) c[óo]digo|contraseña (?:temporal|de un solo uso)|clave (?:temporal|dinámica|de acceso)',
  'codice (?:di )?(?:verifica|sicurezza|conferma|accesso|attivazione|monouso|temporaneo|otp)|il tuo codice|codul (?:de |tău )',
  // Dutch, Swedish, Norwegian, Danish, Finnish
  '(?:verificatie|beveiligings|inlog|bevestigings|toegangs|activerings)code|eenmalige code|je code|uw code',
  '(?:verifierings|säkerhets|engångs|bekräftelse|inloggnings|bekreftelses|engangs|sikkerheds|bekræftelses|verifikasjons|sikkerhets|påloggings)(?:kod|koden|kode|koden|lösenord)|(?:din|vahvistus|kertakäyttö|turva)\\s?(?:kod|kode|koodi|koodisi|salasana)',
  // Polish, Czech, Slovak, Hungarian, Croatian
  'kod (?:weryfikacyjny|potwierdzający|bezpieczeństwa|dostępu|jednorazowy|logowania|potvrde)|twój kod|hasło jednorazowe|(?:ověřovací|overovací|bezpečnostní|potvrzovací|jednorázový) kód|(?:ellenőrző|megerősítő|biztonsági) kód(?:ja)?',
  // Russian, Ukrainian, Bulgarian
  'код (?:подтверждения|доступа|безопасности|проверки|активации|для входа|верификации|підтвердження|доступу|за потвърждение)|(?:ваш|твой) код|проверочный код|одноразов(?:ый|ий) (?:код|пароль)|пин-?код',
  // Greek, Turkish
  'κωδικ(?:ός|ό) (?:επαλήθευσης|επιβεβαίωσης|ασφαλείας|μίας χρήσης)|(?:doğrulama|onay|güvenlik|giriş|aktivasyon) kodu(?:nuz)?|tek kullanımlık (?:kod|şifre)',
  // Chinese, Japanese, Korean
  '验证码|驗證碼|校验码|校驗碼|动态码|动态密码|動態密碼|确认码|確認碼|安全码|激活码|一次性密码|一次性密碼',
  '認証コード|確認コード|認証番号|確認番号|検証コード|セキュリティ ?コード|ワンタイム ?(?:パスワード|コード)|パスコード|暗証番号|ログインコード|認証キー',
  '인증 ?(?:번호|코드)|확인 ?코드|보안 ?코드|일회용 ?(?:비밀번호|코드)|로그인 ?코드',
  // Arabic, Hebrew, Persian, Hindi, Thai, Vietnamese, Indonesian
  'رمز (?:التحقق|التأكيد|الأمان|المرور|الدخول)|كود (?:التحقق|التفعيل)|קוד (?:ה?אימות|אישור|כניסה|חד[- ]פעמי)|کد (?:تأیید|تایید)',
  'सत्यापन कोड|ओटीपी|รหัส ?(?:ยืนยัน|OTP|ผ่านครั้งเดียว)|mã (?:xác (?:minh|nhận|thực)|OTP)|kode (?:verifikasi|OTP|konfirmasi|keamanan)',
];

/** Words that go with codes and with much else. */
const WEAK = [
  'codes?|passwor[dt]|kennwort|token|login|log in|sign in|verify|confirm|c[óo]digo|codice|codul|clave|contraseña|senha|mot de passe|wachtwoord',
  'kod(?:en|ie|u)?|kode|koodi|lösenord|hasło|kód|heslo|код|пароль|κωδικός|şifre|mã|kata sandi',
  'コード|パスワード|密码|密碼|代码|코드|비밀번호|번호|رمز|كود|קוד|סיסמה|कोड|รหัส',
];

/** Words before a number that is no code. */
const OTHER_NUMBERS = [
  'order|purchase|invoice|receipt|ticket|case|request|reference|ref|tracking|shipment|parcel|customer|client|member(?:ship)?|account|ending in|ends in|booking|reservation|confirmation number|policy|contract|transaction|payment|serial|model|item|sku|article|version|build|release|room|gate|flight|zip|postal|postcode|p\\.? ?o\\.? box|phone|tel|telephone|fax|call|dial|mobile|text|sms|vat|tax|company|registration|reg\\.? no|license|licence|issue|pull request|commit|bug|port|page|chapter|section|rfc|iso|error(?: code)?|status(?: code)?|exit code|country code|area code|zip code|bar ?code|source code|sort code|qr code|dress code|promo(?:tion)?(?:al)?(?: code)?|coupon(?: code)?|voucher(?: code)?|discount(?: code)?|gift(?: card)?(?: code)?|referral(?: code)?|offer(?: code)?',
  'bestell\\p{L}*|auftrag\\p{L}*|rechnung\\p{L}*|kunden\\p{L}*|sendung\\p{L}*|vorgang\\p{L}*|konto\\p{L}*|vertrag\\p{L}*|telefon|plz|ust\\p{L}*|hrb|gutschein\\p{L}*|rabatt\\p{L}*|aktions\\p{L}*',
  'pedido|factura|fatura|commande|facture|client|ordine|fattura|referencia|r[ée]f[ée]rence|teléfono|téléphone|cupón|bestelling|factuur|zamówieni\\p{L}*|faktur\\p{L}*|objednávk\\p{L}*|beställning|ordre|sipariş',
  'заказ\\p{L}*|счёт|счет|телефон|замовлення|订单\\p{Script=Han}*|訂單\\p{Script=Han}*|单号|電話|电话|ご?注文\\p{L}*|受注\\p{L}*|お問い合わせ\\p{L}*|주문 ?번호|전화|優惠碼|优惠码|クーポン\\p{L}*',
  '#|№|n[º°]|no\\.|nr\\.',
];

/** What behind a number says how much of something it is. */
const QUANTITIES =
  'percent|eur|euros?|usd|dollars?|gbp|pounds?|chf|kr|zł|руб\\p{L}*|円|元|원|minut\\p{L}*|mins?|hours?|hrs?|stunden?|heures?|horas?|ore|tage?n?|days?|jours?|d[ií]as?|seconds?|sekunden?|weeks?|months?|years?|jahre?n?|минут\\p{L}*|час\\p{L}*|дн\\p{L}*|分钟?|小时|時間|日間|시간|px|[kmgt]i?b|km|kg|miles?|points?|punkte|people|users|customers|subscribers|followers|items|messages|emails|times|steps|songs|photos|reviews|votes|votos';

/** A word, not within a longer one of the same script. */
function words(alternatives: readonly string[], flags = 'iu'): RegExp {
  // Chinese, Japanese and the like have no blanks around words.
  return new RegExp(
    `(?<![\\p{Script=Latin}\\p{Script=Cyrillic}\\d])(?:${alternatives.join('|')})(?![\\p{Script=Latin}\\p{Script=Cyrillic}])`,
    flags,
  );
}

/** What announces a code. */
export const STRONG_HINT = words(STRONG);

/** What may announce a code. */
export const WEAK_HINT = words(WEAK);

/** What announces another number. */
export const NOT_A_CODE_BEFORE = words(OTHER_NUMBERS);

/** What follows a quantity, a price or a share. */
export const NOT_A_CODE_AFTER = new RegExp(
  `^(?:\\s?[%‰€$£¥°]|[\\s\\u00a0-]?(?:${QUANTITIES})(?![\\p{Script=Latin}\\p{Script=Cyrillic}]))`,
  'iu',
);
