"""aiosmtpd's own Proxy handler. Arguments: where it listens, and where mail goes."""

import asyncio
import socket
import sys

from aiosmtpd.handlers import Proxy
from aiosmtpd.smtp import SMTP


# The handler looks its own name up for each message; how long that takes is up to the machine's DNS.
socket.getfqdn = lambda *_: "proxy.example"


async def main():
    port, upstream_port = map(int, sys.argv[1:3])
    loop = asyncio.get_running_loop()
    handler = Proxy("127.0.0.1", upstream_port)
    server = await loop.create_server(lambda: SMTP(handler, hostname="proxy.example", loop=loop), "127.0.0.1", port)
    await server.serve_forever()


asyncio.run(main())
