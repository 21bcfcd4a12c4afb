"""Sends one message with Python's smtplib and says how it went.

python3 smtplib-client.py WHERE REQUEST <MESSAGE

WHERE is a port of 127.0.0.1, or for LMTP the path of a Unix socket.

REQUEST is JSON: {"call": "sendmail", "from": …, "to": […], "options": […]}, or {"call": "send_message", "options": […]},
which takes the addresses from the header, or {"call": "lmtp", "from": …, "to": […]}, which reads the reply of each
recipient. Before that, as asked: "tls": {"mode": "starttls" or "implicit", "ca": file, "cert": file, "key": file} and
"login": {"mechanism": …, "user": …, "password": …}.

The answer is one JSON object: {"refused": {…}}, {"replies": […]}, or {"raised": …, "what": …}.
"""

import email
import email.policy
import json
import smtplib
import ssl
import sys

# With a name given, smtplib does not look for one in the DNS.
NAME = "client.example"


def tls_context(tls):
    """As a careful client makes it: the certificate leads to the file, and has the name."""
    context = ssl.create_default_context(cafile=tls["ca"])
    if "cert" in tls:
        context.load_cert_chain(tls["cert"], tls["key"])
    return context


def connect(where, request):
    tls = request.get("tls", {})
    if request["call"] == "lmtp":
        # LMTP has no time-out of its own for Unix sockets.
        return smtplib.LMTP(where, 0, NAME) if "/" in where else smtplib.LMTP("127.0.0.1", int(where), NAME)
    if tls.get("mode") == "implicit":
        return smtplib.SMTP_SSL("127.0.0.1", int(where), NAME, timeout=15, context=tls_context(tls))
    client = smtplib.SMTP("127.0.0.1", int(where), NAME, timeout=15)
    if tls:
        client.starttls(context=tls_context(tls))
    return client


def login(client, wish):
    """What client.login() does, with the one mechanism that is wished for."""
    client.ehlo_or_helo_if_needed()
    client.user, client.password = wish["user"], wish["password"]
    method = getattr(client, "auth_" + wish["mechanism"].lower().replace("-", "_"))
    client.auth(wish["mechanism"], method, initial_response_ok=wish.get("initial", True))


def send(client, request, content):
    if request["call"] == "lmtp":
        return {"replies": send_to_each(client, request, content)}
    if request["call"] == "sendmail":
        return {"refused": client.sendmail(request["from"], request["to"], content, mail_options=request["options"])}
    message = email.message_from_bytes(content, policy=email.policy.SMTPUTF8)
    return {"refused": client.send_message(message, mail_options=request["options"])}


def send_to_each(client, request, content):
    """smtplib.LMTP reads one reply to the message; the others are ours to read (RFC 2033 section 4.2)."""
    client.ehlo_or_helo_if_needed()
    client.mail(request["from"])
    accepted = [address for address in request["to"] if client.rcpt(address)[0] == 250]
    replies = [client.data(content)]
    replies += [client.getreply() for _ in accepted[1:]]
    return replies


def main():
    where, request = sys.argv[1], json.loads(sys.argv[2])
    content = sys.stdin.buffer.read()
    try:
        with connect(where, request) as client:
            if "login" in request:
                login(client, request["login"])
            answer = send(client, request, content)
    except (smtplib.SMTPException, ssl.SSLError) as error:
        answer = {"raised": type(error).__name__, "what": error.args}
    print(json.dumps(answer, default=bytes.decode))


main()
