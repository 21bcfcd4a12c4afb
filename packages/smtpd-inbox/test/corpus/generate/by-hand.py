"""Messages that no program should send and that arrive all the same, written by hand. The output is as that of python-email.py."""

import base64
import json


def put(name, raw, contains=()):
    raw = raw.encode("utf-8") if isinstance(raw, str) else raw
    print(json.dumps({"name": name, "maker": "written by hand", "contains": list(contains), "raw": base64.b64encode(raw).decode()}))


def crlf(text):
    return text.replace("\n", "\r\n").encode("utf-8")


HEAD = "From: a@a.example\nTo: b@b.example\nSubject: %s\nDate: Sat, 14 Mar 2026 09:26:53 +0000\nMIME-Version: 1.0\n"


def message(name, rest, contains=(), head=HEAD):
    put(name, crlf((head % name) + rest), contains)


MIXED = 'Content-Type: multipart/mixed; boundary="b"\n\n'

message("boundary-missing", "Content-Type: multipart/mixed\n\n--b\n\nNobody said b.\n--b--\n", ["Nobody said b."])
message("boundary-wrong", 'Content-Type: multipart/mixed; boundary="other"\n\n--b\n\nThe wrong one.\n--b--\n', ["The wrong one."])
message("boundary-empty", 'Content-Type: multipart/mixed; boundary=""\n\n--\n\nThe empty one.\n----\n', ["The empty one."])
message("boundary-unended", MIXED + "--b\n\nFirst.\n--b\n\nSecond has no end.\n", ["First.", "Second has no end."])
message("boundary-ended-early", MIXED + "--b\n\nFirst.\n--b--\n--b\n\nBehind the end.\n--b--\n", ["First."])
message("boundary-prefix", 'Content-Type: multipart/mixed; boundary="b"\n\n--bb\nnot it\n--b\n\nIt is.\n--b-not\nstill it\n--b--\n', ["It is.", "still it"])
message("boundary-blanks", MIXED + "--b  \t\n\nBlanks behind it.\n--b--  \n", ["Blanks behind it."])
message("boundary-odd", "Content-Type: multipart/mixed; boundary=\"'()+_,-./:=? x\"\n\n--'()+_,-./:=? x\n\nOdd letters.\n--'()+_,-./:=? x--\n", ["Odd letters."])
message("boundary-same-within", MIXED + '--b\nContent-Type: multipart/alternative; boundary="b"\n\n--b\n\nInner or outer?\n--b--\n--b--\n', ["Inner or outer?"])
message("boundary-inner-longer", MIXED + '--b\nContent-Type: multipart/alternative; boundary="b-"\n\n--b-\n\nInner.\n--b---\n--b--\n', ["Inner."])
message("inner-unended", MIXED + '--b\nContent-Type: multipart/alternative; boundary="c"\n\n--c\n\nInner has no end.\n--b\n\nOuter goes on.\n--b--\n', ["Inner has no end.", "Outer goes on."])
message("delimiters-adjacent", MIXED + '--b\nContent-Type: multipart/alternative; boundary="c"\n\n--c\n--b\n\nBehind them.\n--b--\n', ["Behind them."])
message("preamble-epilogue", MIXED + "Preamble that nobody sees.\n--b\n\nSeen.\n--b--\nEpilogue that nobody sees.\n", ["Seen."])
message("multipart-empty", MIXED + "--b--\n")
message("multipart-base64", 'Content-Type: multipart/mixed; boundary="b"\nContent-Transfer-Encoding: base64\n\n--b\n\nNot encoded at all.\n--b--\n', ["Not encoded at all."])
message("part-without-header", MIXED + "--b\nNo empty line before me.\n--b--\n", ["No empty line before me."])
message("part-header-only", MIXED + "--b\nContent-Type: text/html\n--b\n\nThe second.\n--b--\n", ["The second."])
message("rfc822-base64", "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(b"Subject: encoded\r\n\r\nEncoded words.\r\n").decode())
message("rfc822-empty", "Content-Type: message/rfc822\n\n")
message("type-nonsense", "Content-Type: text\n\nWhat am I?\n", ["What am I?"])
message("type-twice", "Content-Type: text/plain; charset=utf-8\nContent-Type: text/html\n\nThe first counts: ä\n", ["The first counts: ä"])
message("type-comments", "Content-Type: (really) text/plain (yes); (no) charset=(x)utf-8 (y)\n\nComments: ä\n", ["Comments: ä"])
message("charset-unknown", "Content-Type: text/plain; charset=klingon\n\nqaplaʼ\n", ["qaplaʼ"])
message("charset-wrong", "Content-Type: text/plain; charset=us-ascii\n\nNot ASCII: ä\n", ["Not ASCII: ä"])
put("charset-broken-utf-8", crlf(HEAD % "charset-broken" + "Content-Type: text/plain; charset=utf-8\n\n") + b"Latin: \xe4\xf6\xfc and UTF-8: \xc3\xa4\r\n", ["Latin: \ufffd", "UTF-8: ä"])
put("charset-none-latin1", crlf(HEAD % "charset-none" + "\n") + b"Latin: \xe4\xf6\xfc\r\n", ["Latin: äöü"])
put("header-latin1", b"From: J\xf6rg <a@a.example>\r\nSubject: Gr\xfc\xdfe\r\n\r\nOctets in the header.\r\n", ["Octets in the header."])
put("header-utf-8", "From: Jörg <a@a.example>\r\nSubject: Grüße 🎉\r\n\r\nUTF-8 in the header.\r\n", ["UTF-8 in the header."])
message("encoded-word-split", "Subject: =?utf-8?B?4pi=?= =?utf-8?B?g++4jw==?=\n\nSplit within a letter.\n", ["Split within a letter."], HEAD.replace("Subject: %s\n", "X-Name: %s\n"))
message("encoded-word-unknown", "Subject: =?klingon?Q?nuqneH?= =?utf-8?X?broken?= =?utf-8?Q?open\n\nUnknown.\n", ["Unknown."], HEAD.replace("Subject: %s\n", "X-Name: %s\n"))
message("encoded-word-line-end", "Subject: =?utf-8?Q?one=0D=0ABcc:_c@c.example?=\n\nNo new field.\n", ["No new field."], HEAD.replace("Subject: %s\n", "X-Name: %s\n"))
message("rfc2231", "Content-Type: application/octet-stream;\n name*1*=%20zwei%20%C3%A4;\n name*0*=utf-8'de'eins;\n name*2=\" drei.txt\"\nContent-Disposition: attachment\n\nx\n")
message("rfc2231-latin1", "Content-Disposition: attachment; filename*=iso-8859-1''%FCber.txt\nContent-Type: text/plain\n\nx\n")
message("file-name-encoded-word", 'Content-Type: application/pdf; name="=?utf-8?Q?=C3=9Cbersicht.pdf?="\nContent-Disposition: attachment;\n filename="=?utf-8?B?w5xiZXJzaWNodC5wZGY=?="\n\nx\n')
message("file-name-unquoted", "Content-Type: application/octet-stream\nContent-Disposition: attachment; filename=my file (1).txt\n\nx\n")
message("base64-damaged", "Content-Transfer-Encoding: base64\n\nSGVs*bG8g\n!d29ybGQ\n", ["Hello world"])
message("base64-footer", "Content-Transfer-Encoding: base64\n\nSGVsbG8gd29ybGQ=\n-- \nA list's footer\n", ["Hello world"])
message("base64-one-line", "Content-Transfer-Encoding: base64\n\n" + base64.b64encode(b"long " * 800).decode() + "\n", ["long long"])
message("quoted-printable-damaged", "Content-Transfer-Encoding: quoted-printable\n\n=ZZ and = and =4 and =C3=A4 and soft=  \nbreak and lower =c3=a4=\n", ["=ZZ and = and =4", "softbreak"])
message("encoding-unknown", "Content-Transfer-Encoding: x-rot13\n\nUryyb\n", ["Uryyb"])
message("encoding-quoted", 'Content-Transfer-Encoding: "base64" (really)\n\nSGVsbG8=\n', ["Hello"])
message("uuencode", "\nbegin 644 hello.txt\n+2&5L;&\\@=V]R;&0`\n`\nend\n", ["begin 644 hello.txt"])
put("yenc", crlf(HEAD % "yenc" + "\n=ybegin line=128 size=5 name=x.bin\n") + bytes([0x92, 0x8F, 0x96, 0x96, 0x99]) + b"\r\n=yend size=5\r\n", ["=ybegin"])
put("line-ends-lf", (HEAD % "line-ends-lf" + MIXED + "--b\n\nOnly LF.\n--b--\n"), ["Only LF."])
put("line-ends-cr", (HEAD % "line-ends-cr" + MIXED + "--b\n\nOnly CR.\n--b--\n").replace("\n", "\r"), ["Only CR."])
put("line-ends-mixed", "From: a@a.example\r\nSubject: line-ends-mixed\nTo: b@b.example\r\n\nMixed\rends\r\nof\nlines.\r\n", ["Mixed"])
put("nul", b"From: a@a.example\r\nSubject: a\0b\r\n\r\nNUL: \0 here\r\n", ["NUL: \0 here"])
put("no-header", b"Just words without any header.\r\nMore: words\r\n", ["Just words without any header."])
put("no-header-empty-line", b"\r\nA body and nothing else.\r\n", ["A body and nothing else."])
put("header-no-end", b"From: a@a.example\r\nSubject: no end")
put("empty", b"")
put("one-octet", b"x", ["x"])
put("mailbox-line", b"From a@a.example Sat Mar 14 09:26:53 2026\r\nFrom: a@a.example\r\nSubject: mailbox-line\r\n\r\nFrom a mailbox.\r\n", ["From a mailbox."])
put("continuation-first", b" folded from nowhere\r\nSubject: continuation-first\r\n\r\nBody.\r\n", ["Body."])
put("blank-before-colon", b"From: a@a.example\r\nSubject : blank-before-colon\r\n\r\nOld syntax.\r\n", ["Old syntax."])
put("field-twice", b"Subject: one\r\nSubject: two\r\nTo: a@a.example\r\nTo: b@b.example\r\n\r\nTwice.\r\n", ["Twice."])
put("long-line", crlf(HEAD % "long-line" + "\n") + b"y" * 5000 + b"\r\n", ["yyyy"])
message("html-charset-within", 'Content-Type: text/html\n\n<meta charset="utf-8"><p>Grüße</p>\n')
message("html-hostile", "Content-Type: text/html; charset=utf-8\n\n<script>alert(1)</script><p onclick=x>Hi <a href=\"javascript:alert(1)\">there</a><img src=x onerror=alert(1)></p>\n")
