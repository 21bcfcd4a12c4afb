"""
What Python's email package makes of messages: for each file named on the command line a JSON line with its subject, its leaves by their numbers (as
RFC 3501 counts, and `0` at the end for a message itself) with the SHA-256 of what they decode to, and that of the text of a leaf that is text.
"""

import email
import email.policy
import hashlib
import json
import sys
from email.header import decode_header, make_header

# The names of charsets mean in mail, as on the web, what Windows means by them (WHATWG Encoding Standard).
CODECS = {"iso-8859-1": "cp1252", "us-ascii": "cp1252", "iso-8859-9": "cp1254", "iso-8859-11": "cp874", "tis-620": "cp874", "shift_jis": "cp932", "windows-31j": "cp932", "gb2312": "gb18030", "gbk": "gb18030", "euc-kr": "cp949", "ibm866": "cp866", "big5": "big5hkscs"}


def sha(octets):
    return hashlib.sha256(octets).hexdigest()


def guessed(octets):
    """Where no charset is named, or US-ASCII: UTF-8 when it is valid, Windows-1252 otherwise."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("cp1252", "replace")


def subject_of(message):
    value = next((value for name, value in message.raw_items() if name.lower() == "subject"), None)
    if value is None:
        return None
    try:
        return str(make_header(decode_header(guessed(value.encode("utf-8", "surrogateescape")).replace("\r\n", "").replace("\n", ""))))
    except (LookupError, UnicodeError, ValueError):
        return None


def leaves(message, number, is_message):
    prefix = number[:-1] if is_message else number + "."
    children = message.get_payload() if message.is_multipart() else []
    if message.get_content_type() in ("message/rfc822", "message/global") and children:
        inner = prefix + ("1.0" if is_message else "0")
        yield from leaves(children[0], inner, True)
    elif message.get_content_maintype() == "multipart" and children:
        for index, child in enumerate(children):
            yield from leaves(child, prefix + str(index + 1), False)
    elif children:
        # Groups of fields (message/delivery-status) are a tree for Python alone.
        yield {"number": number, "type": message.get_content_type()}
    else:
        octets = message.get_payload(decode=True) or b""
        leaf = {"number": number, "type": message.get_content_type(), "sha256": sha(octets), "bytes": len(octets)}
        name = message.get_filename()
        if name is not None:
            leaf["fileName"] = name
        if message.get_content_maintype() == "text":
            charset = (message.get_content_charset() or "us-ascii").lower()
            try:
                text = guessed(octets) if charset == "us-ascii" else octets.decode(CODECS.get(charset, charset), "replace")
                text = text.replace("\r\n", "\n").replace("\r", "\n")
                leaf["textSha256"] = sha(text.encode())
            except (LookupError, UnicodeEncodeError):
                pass
        yield leaf


for path in sys.argv[1:]:
    with open(path, "rb") as file:
        message = email.message_from_bytes(file.read())
    print(json.dumps({"file": path.rsplit("/", 1)[-1], "subject": subject_of(message), "leaves": list(leaves(message, "0", True))}))
