#!/bin/sh
# Messages made by programs that hand them to a `sendmail`: s-nail, mutt, PHP, Perl, Java, git. One file each in $OUT; `# maker` is the first word
# of its name. FAKE is a sendmail that writes what it is handed to $MESSAGE.
set -eu
cd "$WORK"
export LC_ALL=C.UTF-8 HOME="$WORK" EMAIL=ann@a.example
printf 'Words in a file: Käse\n' > note.txt
printf '\211PNG\r\n\032\n' > dot.png
printf 'a,b\r\n1,2\r\n' > table.csv
printf 'Subject: within\r\n\r\nA message within.\r\n' > within.eml

snail() { name=$1; shift; MESSAGE="$OUT/s-nail-$name.eml" s-nail -n -S mta="$FAKE" -S hostname=snail.example -S from=ann@snail.example -S sendwait -S sendcharsets=utf-8 -S ttycharset=utf-8 "$@" bob@b.example; }
printf 'Plain words.\n' | snail plain -s 'Plain'
printf 'Grüße aus Zürich.\n' | snail utf-8 -s 'Grüße'
printf 'Attached.\n' | snail attachment -s 'Attached' -a note.txt -a dot.png
printf 'Tabelle.\n' | snail csv -s 'Tabelle' -a table.csv
printf 'Long %s\n' "$(printf 'word %.0s' $(seq 300))" | snail long -s "Long $(printf 'subject %.0s' $(seq 30))"
printf 'Copies.\n' | snail copies -s 'Copies' -c carol@c.example -b dave@d.example
printf '<p>HTML words</p>\n' | snail html -s 'HTML' -M text/html
printf 'Base64: ä\n' | snail base64 -s 'Base64' -S mime-encoding=base64
printf '' | snail empty -s 'Empty' -S emptystart

mutted() { name=$1; shift; MESSAGE="$OUT/mutt-$name.eml" mutt -n -F /dev/null -e "set sendmail='$FAKE' hostname=mutt.example from=ann@mutt.example realname='Ann Onym' record='' charset=utf-8 send_charset='us-ascii:iso-8859-1:utf-8'" "$@"; }
printf 'Plain words.\n' | mutted plain -s 'Plain' bob@b.example
printf 'Grüße und 漢字.\n' | mutted utf-8 -s 'Grüße und 漢字' bob@b.example
printf 'Nur Latin: ä\n' | mutted latin1 -s 'Latin ä' bob@b.example
printf 'Attached.\n' | mutted attachment -s 'Attached' -a note.txt dot.png table.csv -- bob@b.example
printf 'Within.\n' | mutted message -s 'Forwarded' -a within.eml -- bob@b.example
printf '<p>HTML words</p>\n' | mutted html -e 'set content_type=text/html' -s 'HTML' bob@b.example
printf 'Copies.\n' | mutted copies -s 'Copies' -c carol@c.example bob@b.example
printf 'Flowed lines \nthat go on.\n' | mutted flowed -e 'set text_flowed=yes' -s 'Flowed' bob@b.example
printf 'Line one\nFrom the second\n' | mutted from-line -s 'From' bob@b.example

cat > php-senders.php <<'P'
<?php
$out = getenv('OUT');
$h = "From: Shop <shop@php.example>\r\nDate: Sat, 14 Mar 2026 09:26:53 +0000\r\nMessage-ID: <1@php.example>";
function send($name, $subject, $body, $headers) { global $out; putenv("MESSAGE=$out/php-$name.eml"); mail('bob@b.example', $subject, $body, $headers); }
send('plain', 'Plain', "Plain words.\r\n", $h);
send('lf', 'LF only', "Line one\nLine two\n", "From: shop@php.example\nX-Mailer: PHP");
send('html', 'HTML', '<html><body><p>Gr&uuml;&szlig;e &amp; <b>HTML words</b></p></body></html>', "$h\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=iso-8859-1");
send('utf-8', '=?UTF-8?B?' . base64_encode('Bestellung № 20481234 bestätigt') . '?=', "Ihre Bestellung: 3 × Käse\r\n", "$h\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit");
send('base64', 'Base64', chunk_split(base64_encode("Kodiert: äöü\r\n")), "$h\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64");
send('quoted-printable', 'Quoted', quoted_printable_encode("Kodiert: äöü = " . str_repeat('lang ', 40) . "\r\n"), "$h\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable");
send('iconv', substr(iconv_mime_encode('Subject', str_repeat('Übergrößenträger ', 8), ['input-charset' => 'utf-8', 'output-charset' => 'utf-8', 'line-break-chars' => "\r\n"]), 9), "iconv.\r\n", $h);
$b = 'PHP-mixed-1';
send('attachment', 'Attached', "--$b\r\nContent-Type: text/plain; charset=\"utf-8\"\r\n\r\nSiehe Anhang.\r\n--$b\r\nContent-Type: application/zip; name=\"all.zip\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\n" . chunk_split(base64_encode("PK\x03\x04")) . "--$b--", "$h\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"$b\"");
send('alternative-unended', 'Alternative', "--$b\nContent-Type: text/plain\n\nPlain words.\n--$b\nContent-Type: text/html\n\n<p>HTML words.</p>\n", "$h\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=$b");
send('raw-octets', "Gr\xfc\xdfe", "Latin: \xe4\xf6\xfc\n", $h);
P
OUT="$OUT" php -d sendmail_path="$FAKE" php-senders.php

cat > perl-senders.pl <<'P'
use strict; use warnings; use utf8;
use Encode qw(encode); use MIME::Base64; use MIME::QuotedPrint;
sub send_as { my ($name, $raw) = @_; $raw =~ s/(?<!\r)\n/\r\n/g; open my $file, '>:raw', "$ENV{OUT}/perl-$name.eml" or die; print $file $raw; close $file }
my $head = "From: Ann <ann\@perl.example>\nTo: bob\@b.example\nDate: Sat, 14 Mar 2026 09:26:53 +0000\nMIME-Version: 1.0\n";
for my $encoding ('MIME-Header', 'MIME-Q', 'MIME-B', 'MIME-Header-ISO_2022_JP') {
  my $words = $encoding =~ /JP/ ? '日本語の件名です' x 6 : 'Grüße, 日本語, привет ' x 6;
  (my $name = lc $encoding) =~ s/_/-/g;
  send_as($name, $head . 'Subject: ' . encode($encoding, $words) . "\nContent-Type: text/plain; charset=utf-8\n\n" . encode('utf-8', "Encode: ä\n"));
}
send_as('quoted-printable', $head . "Subject: QP\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n" . encode_qp(encode('utf-8', "Tab\t \nKäse = gut " . 'x ' x 80 . "\n")));
send_as('base64', $head . "Subject: B\nContent-Type: text/plain; charset=utf-16\nContent-Transfer-Encoding: base64\n\n" . encode_base64(encode('UTF-16', "Sechzehn: ä\n")));
send_as('utf-16le', $head . "Subject: LE\nContent-Type: text/plain; charset=utf-16le\nContent-Transfer-Encoding: base64\n\n" . encode_base64(encode('UTF-16LE', "Klein: ä\n")));
P
perl perl-senders.pl

cat > Mails.java <<'J'
import java.nio.charset.StandardCharsets; import java.nio.file.*; import java.util.Base64;
/** By hand: there is no Jakarta Mail here. */
public class Mails {
  public static void main(String[] arguments) throws Exception {
    String head = "From: Ann <ann@java.example>\r\nTo: bob@b.example\r\nMIME-Version: 1.0\r\nMessage-ID: <1.0.1773480413@java.example>\r\n";
    Base64.Encoder mime = Base64.getMimeEncoder(76, "\r\n".getBytes());
    byte[] text = "Schöne Grüße aus Java\r\n".getBytes(StandardCharsets.UTF_8);
    write("base64", head + "Subject: =?UTF-8?B?" + Base64.getEncoder().encodeToString("Grüße".getBytes(StandardCharsets.UTF_8)) + "?=\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + mime.encodeToString(text));
    write("utf-16be", head + "Subject: UTF-16\r\nContent-Type: text/plain; charset=UTF-16BE\r\nContent-Transfer-Encoding: base64\r\n\r\n" + mime.encodeToString("Sechzehn: ä\r\n".getBytes(StandardCharsets.UTF_16BE)));
    write("mixed", head + "Subject: Mixed\r\nContent-Type: multipart/mixed; \r\n\tboundary=\"----=_Part_0_1.2\"\r\n\r\n------=_Part_0_1.2\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + mime.encodeToString(text) + "\r\n------=_Part_0_1.2\r\nContent-Type: application/octet-stream; name=data.bin\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=data.bin\r\n\r\n" + mime.encodeToString(new byte[300]) + "\r\n------=_Part_0_1.2--\r\n");
    write("modified-utf", head + "Subject: windows-31j\r\nContent-Type: text/plain; charset=windows-31j\r\nContent-Transfer-Encoding: base64\r\n\r\n" + mime.encodeToString("①㈱ 日本語\r\n".getBytes("windows-31j")));
  }
  static void write(String name, String raw) throws Exception { Files.write(Paths.get(System.getenv("OUT"), "java-" + name + ".eml"), raw.getBytes(StandardCharsets.ISO_8859_1)); }
}
J
javac -encoding UTF-8 Mails.java && java -Dfile.encoding=UTF-8 Mails

git init -q -b main patches
cd patches
git config user.name 'Jörg Übel'; git config user.email 'joerg@git.example'
printf 'one\n' > file.txt; git add .; GIT_COMMITTER_DATE='2026-03-14T09:26:53Z' git commit -qm 'Begin' --date=2026-03-14T09:26:53Z
printf 'Käse\n' >> file.txt; git commit -qam 'Füge Käse hinzu: a subject that is long enough to be folded by whoever makes a mail out of it' --date=2026-03-14T09:26:53Z
printf '\000\001\002' > binary.bin; git add .; git commit -qm 'Add a binary file' --date=2026-03-14T09:26:53Z
git format-patch -q --stdout --no-signature -1 HEAD~1 > "$OUT/git-plain.eml"
git format-patch -q --stdout --attach=git-boundary --no-signature -1 HEAD > "$OUT/git-attached.eml"
git format-patch -q --stdout --inline=git-boundary --signature=2.0 --to=list@lists.example --in-reply-to='<1@git.example>' -1 HEAD~1 > "$OUT/git-inline.eml"
git format-patch -q --stdout --signoff --signature=2.0 --encode-email-headers -1 HEAD > "$OUT/git-signed-off.eml"
cd ..

# S/MIME by OpenSSL.
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 3650 -subj '/CN=Ann Onym/emailAddress=ann@openssl.example' 2>/dev/null
printf 'Content-Type: text/plain; charset=utf-8\r\n\r\nSigned words: K\303\244se\r\n' > signed.txt
set -- -from ann@openssl.example -to bob@b.example -signer cert.pem -inkey key.pem
openssl smime -sign -in signed.txt -subject 'Signed' "$@" > "$OUT/openssl-signed.eml"
openssl smime -sign -nodetach -in signed.txt -subject 'Signed, opaque' "$@" > "$OUT/openssl-opaque.eml"
openssl smime -sign -text -in note.txt -subject 'Signed text' "$@" > "$OUT/openssl-signed-text.eml"
openssl smime -encrypt -aes256 -in signed.txt -subject 'Encrypted' -from ann@openssl.example -to bob@b.example cert.pem > "$OUT/openssl-encrypted.eml"
openssl smime -sign -in signed.txt -signer cert.pem -inkey key.pem | openssl smime -encrypt -aes128 -subject 'Signed and encrypted' -from ann@openssl.example -to bob@b.example cert.pem > "$OUT/openssl-signed-encrypted.eml"
openssl cms -sign -keyid -in signed.txt -subject 'CMS' "$@" > "$OUT/openssl-cms-signed.eml"
openssl cms -encrypt -aes256 -in signed.txt -subject 'CMS encrypted' -from ann@openssl.example -to bob@b.example cert.pem > "$OUT/openssl-cms-encrypted.eml"

# OpenPGP by GnuPG; the message around it is written here, as RFC 3156 says.
export GNUPGHOME="$WORK/gnupg"; mkdir -m 700 gnupg
gpg --batch --quiet --passphrase '' --quick-generate-key 'Ann Onym <ann@gnupg.example>' ed25519 sign never 2>/dev/null
FINGERPRINT=$(gpg --list-keys --with-colons | awk -F: '/^fpr/{print $10; exit}')
gpg --batch --quiet --passphrase '' --quick-add-key "$FINGERPRINT" cv25519 encr never 2>/dev/null
pgp_head() { printf 'From: Ann <ann@gnupg.example>\r\nTo: bob@b.example\r\nSubject: %s\r\nMIME-Version: 1.0\r\n' "$1"; }
printf 'Content-Type: text/plain; charset=utf-8\r\n\r\nSigned words: K\303\244se\r\n' > pgp.txt
gpg --batch --quiet --armor --textmode --detach-sign -o pgp.asc pgp.txt
{ pgp_head 'PGP signed'; printf 'Content-Type: multipart/signed; micalg=pgp-sha512; protocol="application/pgp-signature"; boundary="pgp"\r\n\r\n--pgp\r\n'; cat pgp.txt; printf '\r\n--pgp\r\nContent-Type: application/pgp-signature; name="signature.asc"\r\n\r\n'; sed 's/$/\r/' pgp.asc; printf '\r\n--pgp--\r\n'; } > "$OUT/gnupg-signed.eml"
gpg --batch --quiet --armor --trust-model always -r ann@gnupg.example -o encrypted.asc --encrypt pgp.txt
{ pgp_head 'PGP encrypted'; printf 'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="pgp"\r\n\r\n--pgp\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n--pgp\r\nContent-Type: application/octet-stream; name="encrypted.asc"\r\n\r\n'; sed 's/$/\r/' encrypted.asc; printf '\r\n--pgp--\r\n'; } > "$OUT/gnupg-encrypted.eml"
{ pgp_head 'PGP inline'; printf '\r\n'; printf 'Clear words\n' | gpg --batch --quiet --clear-sign | sed 's/$/\r/'; } > "$OUT/gnupg-clear-signed.eml"
{ pgp_head 'PGP inline encrypted'; printf '\r\n'; sed 's/$/\r/' encrypted.asc; } > "$OUT/gnupg-inline-encrypted.eml"
{ pgp_head 'PGP key'; printf 'Content-Type: multipart/mixed; boundary="pgp"\r\n\r\n--pgp\r\n\r\nMy key.\r\n--pgp\r\nContent-Type: application/pgp-keys\r\nContent-Disposition: attachment; filename="key.asc"\r\n\r\n'; gpg --armor --export ann@gnupg.example | sed 's/$/\r/'; printf '\r\n--pgp--\r\n'; } > "$OUT/gnupg-key.eml"
gpgconf --kill all
