"""aiosmtpd with a handler that counts, under our conditions: no log, the same size limit; TLS where the load wants it.

Its argument is what report.mjs calls settings, as JSON. It answers the bench by the channel that a Node process has for its parent: a
line of JSON for each message.
"""

import asyncio
import json
import logging
import os
import resource
import socket
import ssl
import sys

from aiosmtpd.smtp import SMTP


class Counting:
    messages = 0
    octets = 0

    async def handle_DATA(self, server, session, envelope):
        self.messages += 1
        self.octets += len(envelope.content)
        return "250 OK"

    def facts(self):
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "messages": self.messages,
            "octets": self.octets,
            "cpuSeconds": usage.ru_utime + usage.ru_stime,
        }


def tls_context(settings):
    if "tls" not in settings:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings["tls"]["certFile"], settings["tls"]["keyFile"])
    return context


async def main():
    # Unlike Node it does not raise its own limit of descriptors.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    logging.disable(logging.CRITICAL)
    settings = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    counting = Counting()
    context = tls_context(settings)
    loop = asyncio.get_running_loop()
    make_session = lambda: SMTP(
        counting,
        # Otherwise it looks its own name up for each session.
        hostname="load.example.test",
        data_size_limit=settings.get("sizeMax", 33554432),
        enable_SMTPUTF8=True,
        tls_context=context,
        loop=loop,
    )
    server = await loop.create_server(make_session, "127.0.0.1", 0, backlog=settings.get("backlog", 511))
    bench = socket.socket(fileno=int(os.environ["NODE_CHANNEL_FD"]))
    questions, answers = await asyncio.open_connection(sock=bench)
    tell = lambda report: answers.write(json.dumps(report).encode() + b"\n")
    tell({"port": server.sockets[0].getsockname()[1]})
    # The end of the questions: the bench is gone.
    while await questions.readline():
        tell(counting.facts())


asyncio.run(main())
