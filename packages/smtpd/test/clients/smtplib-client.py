"""Sends one message with Python's smtplib and says how it went.

python3 smtplib-client.py PORT REQUEST <MESSAGE

REQUEST is JSON: {"call": "sendmail", "from": …, "to": […], "options": […]}, or {"call": "send_message", "options": […]},
which takes the addresses from the header. The answer is one JSON object: {"refused": {…}}, or {"raised": …, "what": …}.
"""

import email
import email.policy
import json
import smtplib
import sys


def send(client, request, content):
    if request["call"] == "sendmail":
        return client.sendmail(request["from"], request["to"], content, mail_options=request["options"])
    message = email.message_from_bytes(content, policy=email.policy.SMTPUTF8)
    return client.send_message(message, mail_options=request["options"])


def main():
    port, request = int(sys.argv[1]), json.loads(sys.argv[2])
    content = sys.stdin.buffer.read()
    # With a name given, smtplib does not look for one in the DNS.
    with smtplib.SMTP("127.0.0.1", port, local_hostname="client.example", timeout=15) as client:
        try:
            answer = {"refused": send(client, request, content)}
        except smtplib.SMTPException as error:
            answer = {"raised": type(error).__name__, "what": error.args}
    print(json.dumps(answer, default=bytes.decode))


main()
