"""aiosmtpd with the options of its first argument: prints its port, and then each message before it acknowledges it, as lines of JSON."""

import asyncio
import json
import logging
import sys
import warnings

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP

# What it logs of clients that do what is tried here is not for who runs the tests.
logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")


class Keeping:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == "throw@b.example":
            raise ValueError("the password is secret")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        content = envelope.content.decode("latin1")
        print(
            json.dumps({"mailFrom": envelope.mail_from, "rcptTos": envelope.rcpt_tos, "content": content}), flush=True
        )
        return "250 OK"


async def main():
    options = json.loads(sys.argv[1])
    kind = LMTP if options.pop("lmtp", False) else SMTP
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: kind(Keeping(), hostname="mx.example", loop=loop, **options), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    # Whoever started it is gone when its standard input ends.
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
