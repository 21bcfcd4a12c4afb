"""Reads a Maildir as a mail program does, and prints what is in it as JSON."""

import json
import mailbox
import sys

found = []
for key, message in mailbox.Maildir(sys.argv[1], factory=None, create=False).iteritems():
    found.append(
        {
            "key": key,
            "subdir": message.get_subdir(),
            "flags": message.get_flags(),
            "fields": [[name, str(value)] for name, value in message.items()],
            "body": message.get_payload(decode=False),
            "defects": [type(defect).__name__ for defect in message.defects],
        }
    )
json.dump(sorted(found, key=lambda each: each["body"]), sys.stdout)
