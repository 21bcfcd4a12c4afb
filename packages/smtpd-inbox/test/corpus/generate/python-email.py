"""Messages made by Python's email package, and by hand in Python where it says so. One JSON object a line: name, maker, contains, raw (base64)."""

import base64
import datetime
import email
import email.policy
import json
import struct
from email.charset import Charset, QP, BASE64
from email.header import Header
from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.mime.audio import MIMEAudio
from email.mime.base import MIMEBase
from email.mime.image import MIMEImage
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime

DATE = format_datetime(datetime.datetime(2026, 3, 14, 9, 26, 53, tzinfo=datetime.timezone.utc))
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def put(name, raw, contains=(), maker="Python email"):
    print(json.dumps({"name": name, "maker": maker, "contains": list(contains), "raw": base64.b64encode(raw).decode()}))


def addressed(message, subject):
    message["From"] = "Ann Onym <ann@python.example>"
    message["To"] = "Bob <bob@b.example>"
    message["Subject"] = subject
    message["Date"] = DATE
    message["Message-ID"] = "<%s@python.example>" % abs(hash_of(str(subject)))
    return message


def hash_of(text):
    return sum((index + 1) * ord(letter) for index, letter in enumerate(text))


CRLF = email.policy.SMTP

# Charsets, each with the words that go into it.
CHARSETS = {
    "us-ascii": "Plain old words",
    "utf-8": "Grüße, здравствуй, こんにちは, 👋🏽",
    "iso-8859-1": "Grüße aus Zürich, déjà vu",
    "iso-8859-2": "Zażółć gęślą jaźń",
    "iso-8859-3": "Ĉu vi ŝatas ĝin?",
    "iso-8859-4": "Ģimene, žuvis",
    "iso-8859-5": "Съешь ещё этих булок",
    "iso-8859-7": "Καλημέρα κόσμε",
    "iso-8859-8": "שלום עולם",
    "iso-8859-9": "Şişli, İstanbul, ığdır",
    "iso-8859-10": "Þjóð, ąžuolas",
    "iso-8859-13": "Ąžuolas, ņemt",
    "iso-8859-15": "Prix : 12 €, cœur",
    "koi8-r": "Привет, мир",
    "koi8-u": "Привіт, ґанок, їжак",
    "windows-1250": "Příliš žluťoučký kůň",
    "windows-1251": "Срочно: новый пароль",
    "windows-1252": "“Quotes” – and €",
    "windows-1253": "Ωραία μέρα",
    "windows-1254": "Çağrı, Öğüş",
    "windows-1255": "בוקר טוב",
    "windows-1256": "مرحبا بالعالم",
    "windows-1257": "Ēriks, ūdens",
    "windows-1258": "Xin chào",
    "shift_jis": "認証コードは次のとおりです",
    "iso-2022-jp": "パスワードの再設定",
    "euc-jp": "ご注文ありがとうございます",
    "gb2312": "您的验证码",
    "gbk": "繁體與简体",
    "gb18030": "您好，世界𠀀",
    "big5": "您的驗證碼",
    "euc-kr": "인증번호를 입력하세요",
    "tis-620": "สวัสดี",
    "ibm866": "Привет из DOS",
    "utf-16": "Sixteen bits: ä",
}
PYTHON_NAMES = {"windows-125%d" % n: "cp125%d" % n for n in range(9)} | {"ibm866": "cp866"}

for name, words in CHARSETS.items():
    codec = PYTHON_NAMES.get(name, name)
    message = MIMEBase("text", "plain", charset=name)
    body = (words + "\nYour code: 481516\n").replace("\n", "\r\n").encode(codec)
    message.set_payload(base64.encodebytes(body).decode())
    message["Content-Transfer-Encoding"] = "base64"
    word = base64.b64encode(words.encode(codec)).decode()
    addressed(message, "=?%s?B?%s?=" % (name, word) if len(word) < 60 else "Charset " + name)
    put("charset-" + name, message.as_bytes(policy=email.policy.compat32.clone(linesep="\r\n")), [words])

for name in ("utf-8", "iso-8859-15", "koi8-r", "windows-1252"):
    codec = PYTHON_NAMES.get(name, name)
    words = CHARSETS[name]
    charset = Charset(name)
    charset.body_encoding = QP
    charset.header_encoding = QP
    message = MIMEText("", "plain")
    del message["Content-Type"], message["Content-Transfer-Encoding"], message["MIME-Version"]
    message.set_payload(words + " = 100 %\n", charset)
    addressed(message, Header(words * 4, name, header_name="Subject"))
    put("quoted-printable-" + name, message.as_bytes(policy=email.policy.compat32.clone(linesep="\r\n")), [words + " = 100 %"])

for transfer in ("7bit", "8bit", "quoted-printable", "base64"):
    message = EmailMessage(policy=CRLF)
    text = "Dots:\n.\n..\nFrom the start\nwide " + "x" * 70 + "\n" + ("" if transfer == "7bit" else "Käse\n")
    message.set_content(text, cte=transfer)
    addressed(message, "Sent as " + transfer)
    put("transfer-" + transfer, message.as_bytes(), ["From the start"])

# The new interface.
message = addressed(EmailMessage(policy=CRLF), "Alternative with a related picture")
message.set_content("See the picture.\n")
message.add_alternative('<p>See <img src="cid:pic@python.example" alt="a dot"></p>', subtype="html")
message.get_payload()[1].add_related(PNG, "image", "png", cid="<pic@python.example>")
message.add_attachment(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", maintype="application", subtype="pdf", filename="invoice.pdf")
put("alternative-related-mixed", message.as_bytes(), ["See the picture."])

for name, file_name in {
    "plain": "report.txt",
    "blanks": "two  blanks and; a semicolon.txt",
    "quotes": 'with "quotes" and \\ backslash.txt',
    "umlauts": "Übergrößenträger.txt",
    "japanese": "請求書２０２６年３月.pdf",
    "long": "a-very-long-name-" + "ä" * 120 + ".txt",
    "path": "../../etc/passwd",
    "emoji": "🎉 party 🎊.ics",
    "percent": "100%25 legit.txt",
    "rtl": "\u202egnp.exe",
}.items():
    message = addressed(EmailMessage(policy=CRLF), "Attachment named " + name)
    message.set_content("Attached.\n")
    message.add_attachment("content of the file\n", filename=file_name)
    put("file-name-" + name, message.as_bytes(), ["Attached."])

message = addressed(EmailMessage(policy=CRLF), "All octets")
message.set_content("All octets are attached.\n")
message.add_attachment(bytes(range(256)) * 3, maintype="application", subtype="octet-stream", filename="all.bin")
put("all-octets", message.as_bytes(), ["All octets are attached."])

message = addressed(EmailMessage(policy=CRLF), "Nothing")
message.set_content("")
message.add_attachment(b"", maintype="application", subtype="octet-stream", filename="empty.bin")
put("empty-attachment", message.as_bytes())

message = addressed(EmailMessage(policy=CRLF), "No body at all")
put("no-body", message.as_bytes())

inner = addressed(EmailMessage(policy=CRLF), "The inner one: ünïcode")
inner.set_content("Deep words: Füße\n")
inner.add_attachment(PNG, maintype="image", subtype="png", filename="deep.png")
for depth in range(1, 5):
    outer = addressed(EmailMessage(policy=CRLF), "Forwarded %d times" % depth)
    outer.set_content("See below.\n")
    outer.add_attachment(inner)
    put("forwarded-%d" % depth, outer.as_bytes(), ["See below."])
    inner = outer

alone = MIMEMessage(addressed(MIMEText("I am all there is.\n"), "Inside"))
addressed(alone, "A message and nothing else")
put("message-alone", alone.as_bytes(policy=email.policy.compat32.clone(linesep="\r\n")))

# The old interface.
for subtype in ("mixed", "alternative", "related", "parallel", "digest", "signed", "form-data", "x-unheard-of"):
    message = MIMEMultipart(subtype)
    addressed(message, "multipart/" + subtype)
    if subtype == "digest":
        for number in range(3):
            message.attach(MIMEMessage(addressed(MIMEText("Issue %d\n" % number), "Digest %d" % number)))
    else:
        message.attach(MIMEText("Plain words\n", "plain"))
        message.attach(MIMEText("<p>HTML words &amp; more</p>\n", "html"))
        message.attach(MIMEImage(PNG, "png"))
    put("multipart-" + subtype, message.as_bytes(policy=email.policy.compat32.clone(linesep="\r\n")), [] if subtype == "digest" else ["Plain words"])

message = MIMEMultipart("mixed")
addressed(message, "Sound, picture, program")
message.attach(MIMEText("Many kinds.\n"))
message.attach(MIMEAudio(b"RIFF\x24\x00\x00\x00WAVEfmt ", "wav", name="beep.wav"))
message.attach(MIMEImage(PNG, "png", name="dot.png"))
message.attach(MIMEApplication(b"PK\x03\x04zip", "zip", name="all.zip"))
message.attach(MIMEText("a,b\n1,2\n", "csv"))
put("many-kinds", message.as_bytes(policy=email.policy.compat32.clone(linesep="\r\n")), ["Many kinds."])

deep = MIMEText("At the bottom.\n")
for level in range(12):
    holder = MIMEMultipart("mixed")
    holder.attach(deep)
    deep = holder
addressed(deep, "Twelve deep")
put("twelve-deep", deep.as_bytes(policy=email.policy.compat32.clone(linesep="\r\n")), ["At the bottom."])

message = MIMEMultipart("mixed")
addressed(message, "A hundred parts")
for number in range(100):
    message.attach(MIMEText("Part %d\n" % number))
put("hundred-parts", message.as_bytes(policy=email.policy.compat32.clone(linesep="\r\n")), ["Part 0", "Part 99"])

message = addressed(EmailMessage(policy=email.policy.SMTPUTF8), "Grüße ohne Umwege")
message.replace_header("From", "Jörg <jörg@pythön.example>")
message.set_content("Fields in UTF-8.\n")
put("smtputf8", message.as_bytes(), ["Fields in UTF-8."])

message = addressed(EmailMessage(policy=CRLF), "Sehr langer Betreff: " + "Donaudampfschifffahrtsgesellschaftskapitän " * 6)
message["References"] = " ".join("<%d.%d@python.example>" % (n, n * 7919) for n in range(40))
message["X-Long"] = "x" * 900
message.set_content("Folded.\n")
put("long-fields", message.as_bytes(), ["Folded."])

message = addressed(EmailMessage(policy=CRLF), "Many recipients")
message["Cc"] = ", ".join('"Person, %d" <p%d@b.example>' % (n, n) for n in range(60))
message["Bcc"] = "secret@b.example"
message["Reply-To"] = "Team: ann@a.example, bob@b.example;"
message.set_content("To all.\n")
put("many-recipients", message.as_bytes(), ["To all."])

message = addressed(EmailMessage(policy=CRLF), "Flowed")
message.set_content("This paragraph was \nbroken by the program.\n\n> quoted and \n> broken\n-- \nAnn\n", cte="7bit")
message.set_param("format", "flowed")
put("flowed", message.as_bytes(), ["This paragraph was broken by the program."])

message = addressed(EmailMessage(policy=CRLF), "Liste")
message["List-Unsubscribe"] = "<mailto:leave@lists.example?subject=leave>, <https://lists.example/leave?u=1&k=ab>"
message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
message["List-ID"] = "The list <list.lists.example>"
message["Archived-At"] = "<https://lists.example/archive/1>"
message.set_content("News: https://news.example/1.\n")
put("list-fields", message.as_bytes(), ["News:"])

for policy_name, policy in {"lf": email.policy.default, "strict": email.policy.strict.clone(linesep="\r\n")}.items():
    message = addressed(EmailMessage(policy=policy), "Policy " + policy_name)
    message.set_content("Ends of lines.\n")
    message.add_alternative("<b>Ends of lines.</b>\n", subtype="html")
    put("policy-" + policy_name, message.as_bytes(), ["Ends of lines."])

# Delivery reports, built with the package.
report = MIMEMultipart("report", **{"report-type": "delivery-status"})
addressed(report, "Undelivered")
report.attach(MIMEText("Your message could not be delivered.\n"))
status = MIMEBase("message", "delivery-status")
status.set_payload([
    email.message_from_string("Reporting-MTA: dns; python.example\n\n"),
    email.message_from_string("Final-Recipient: rfc822; gone@b.example\nAction: failed\nStatus: 5.1.1\n\n"),
])
report.attach(status)
report.attach(MIMEMessage(addressed(MIMEText("The original.\n"), "Original")))
put("report-delivery-status", report.as_bytes(policy=email.policy.compat32.clone(linesep="\r\n")), ["could not be delivered"])

mdn = MIMEMultipart("report", **{"report-type": "disposition-notification"})
addressed(mdn, "Read: your message")
mdn.attach(MIMEText("Your message was displayed.\n"))
disposition = MIMEBase("message", "disposition-notification")
disposition.set_payload([email.message_from_string("Final-Recipient: rfc822; bob@b.example\nDisposition: manual-action/MDN-sent-manually; displayed\n\n")])
mdn.attach(disposition)
put("report-disposition", mdn.as_bytes(policy=email.policy.compat32.clone(linesep="\r\n")), ["was displayed"])

# Invitations: the iCalendar is written by hand, the message by the package.
def calendar(method, extra=""):
    return "\r\n".join([
        "BEGIN:VCALENDAR", "PRODID:-//python.example//by hand//EN", "VERSION:2.0", "METHOD:" + method, "BEGIN:VEVENT",
        "UID:1@python.example", "DTSTAMP:20260314T092653Z", "DTSTART;TZID=Europe/Zurich:20260401T100000", "DURATION:PT1H",
        "SUMMARY:Besprechung über Käse", "ORGANIZER;CN=Ann:mailto:ann@python.example",
        "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:bob@b.example", *([extra] if extra else []), "END:VEVENT", "END:VCALENDAR", "",
    ])

for method in ("REQUEST", "REPLY", "CANCEL", "COUNTER"):
    message = addressed(EmailMessage(policy=CRLF), "Invitation: " + method)
    message.set_content("You are invited.\n")
    message.add_alternative("<p>You are invited.</p>", subtype="html")
    message.add_alternative(calendar(method), subtype="calendar", params={"method": method})
    put("calendar-" + method.lower(), message.as_bytes(), ["You are invited."])
message = addressed(EmailMessage(policy=CRLF), "Invitation as a file")
message.set_content("You are invited.\n")
message.add_attachment(calendar("REQUEST", "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT15M\r\nEND:VALARM").encode(), maintype="text", subtype="calendar", filename="invite.ics")
put("calendar-file", message.as_bytes(), ["You are invited."])
message = addressed(EmailMessage(policy=CRLF), "Only a calendar")
message.set_content(calendar("PUBLISH"), subtype="calendar", params={"method": "PUBLISH"})
put("calendar-alone", message.as_bytes())


# TNEF, by hand: signature, key, and attributes with their checksums.
def tnef(*attributes):
    content = struct.pack("<IH", 0x223E9F78, 0x0001)
    for level, attribute, data in attributes:
        content += struct.pack("<BII", level, attribute, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)
    return content


TNEF = tnef(
    (1, 0x00089006, struct.pack("<I", 0x00010000)),
    (1, 0x00069007, struct.pack("<II", 1252, 0)),
    (1, 0x00078008, b"IPM.Microsoft Mail.Note\0"),
    (1, 0x00018004, b"A subject within\0"),
    (2, 0x00069002, struct.pack("<HIHHII", 1, 0xFFFFFFFF, 0, 0, 0, 0)[:14]),
    (2, 0x00018010, b"inside.txt\0"),
    (2, 0x0006800F, b"Words within an attachment within TNEF\r\n"),
)
for name, subtype in {"ms-tnef": "ms-tnef", "vnd": "vnd.ms-tnef", "octet-stream": "octet-stream"}.items():
    message = addressed(EmailMessage(policy=CRLF), "Rich text from Outlook")
    message.set_content("Plain words beside TNEF.\n")
    message.add_attachment(TNEF, maintype="application", subtype=subtype, filename="winmail.dat")
    put("tnef-" + name, message.as_bytes(), ["Plain words beside TNEF."], "Python email; the TNEF is written by hand")

# Codes as services send them.
for name, subject, text in [
    ("en", "Your verification code", "Your code is 493027.\nIt expires in 10 minutes.\n"),
    ("de", "Ihr Bestätigungscode", "Ihr Code lautet 882 113.\n"),
    ("ja", "認証コード", "認証コードは 204815 です。\n"),
    ("zh", "验证码", "您的验证码是593827，请在5分钟内使用。\n"),
    ("ru", "Код подтверждения", "Ваш код: 771204\n"),
]:
    message = addressed(EmailMessage(policy=CRLF), subject)
    message.set_content(text)
    put("code-" + name, message.as_bytes(), [text.split("\n")[0]])
