/*
 * The octets of one connection of the load generator, plain or under TLS. What they mean is load.c's affair.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <sys/types.h>

typedef struct {
  int fd;
  struct ssl_st *tls; /* NULL while the octets are plain */
} Wire;

enum Handshake { HANDSHAKE_DONE, HANDSHAKE_WAITS_TO_READ, HANDSHAKE_WAITS_TO_WRITE, HANDSHAKE_FAILED };

/* Whether this program was compiled with OpenSSL. Without it nothing below may be called for TLS. */
bool wire_can_tls(void);

/* Connects to a port of 127.0.0.1 without waiting for it. fd is negative where that failed. */
Wire wire_open(int port);

/* Like write and read of a socket that does not block: -1 and errno, EAGAIN where it has to wait; 0 at the end of the input. */
ssize_t wire_write(Wire *wire, const char *octets, size_t length);
ssize_t wire_read(Wire *wire, char *room, size_t length);

/* From here on everything is under TLS; called again and again until the handshake has ended. Nothing is resumed or verified. */
enum Handshake wire_secure(Wire *wire);

/* What went wrong in TLS last. */
const char *wire_problem(void);

void wire_close(Wire *wire);

#endif
