"""A receiver made of aiosmtpd: prints its port, and then the envelope of each message before it acknowledges it, as lines of JSON."""

import asyncio
import json
import sys

from aiosmtpd.smtp import SMTP


def say(what):
    print(json.dumps(what), flush=True)


class Printing:
    async def handle_DATA(self, server, session, envelope):
        say({"from": envelope.mail_from, "to": envelope.rcpt_tos})
        return "250 OK"


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Printing(), hostname="aiosmtpd.example", loop=loop), "127.0.0.1", 0)
    say(server.sockets[0].getsockname()[1])
    # Whoever started it is gone when its standard input ends.
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
