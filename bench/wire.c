/*
 * The octets of one connection of the load generator, plain or under TLS. TLS is OpenSSL's, and only in it with -DWITH_TLS: a machine
 * may have a compiler and no OpenSSL.
 */
#define _GNU_SOURCE
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

Wire wire_open(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return (Wire){.fd = -1};
  int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
    int reason = errno;
    close(fd);
    errno = reason;
    return (Wire){.fd = -1};
  }
  return (Wire){.fd = fd};
}

static ssize_t plain_write(Wire *wire, const char *octets, size_t length) {
  ssize_t count = send(wire->fd, octets, length, MSG_NOSIGNAL);
  /* The connection is still being made. */
  if (count < 0 && errno == ENOTCONN) errno = EAGAIN;
  return count;
}

#ifdef WITH_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>

/* One key exchange for everybody, so that each server does the same work whatever its OpenSSL would rather do. */
static const char GROUPS[] = "X25519";

static SSL_CTX *context(void) {
  static SSL_CTX *made;
  if (made != NULL) return made;
  made = SSL_CTX_new(TLS_client_method());
  if (made == NULL) return NULL;
  /* A handshake without a ticket or a session of earlier is a full one. */
  SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(made, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set1_groups_list(made, GROUPS);
  /* OpenSSL writes without MSG_NOSIGNAL. */
  signal(SIGPIPE, SIG_IGN);
  return made;
}

bool wire_can_tls(void) { return context() != NULL; }

/* What OpenSSL says, as errno would. */
static ssize_t result_of(Wire *wire, int count) {
  if (count > 0) return count;
  switch (SSL_get_error(wire->tls, count)) {
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      errno = EAGAIN;
      return -1;
    case SSL_ERROR_SYSCALL:
      return errno == 0 ? 0 : -1;
    default:
      errno = EPROTO;
      return -1;
  }
}

ssize_t wire_write(Wire *wire, const char *octets, size_t length) {
  if (wire->tls == NULL) return plain_write(wire, octets, length);
  ERR_clear_error();
  return result_of(wire, SSL_write(wire->tls, octets, (int)length));
}

ssize_t wire_read(Wire *wire, char *room, size_t length) {
  if (wire->tls == NULL) return read(wire->fd, room, length);
  ERR_clear_error();
  errno = 0;
  return result_of(wire, SSL_read(wire->tls, room, (int)length));
}

enum Handshake wire_secure(Wire *wire) {
  if (wire->tls == NULL) {
    wire->tls = SSL_new(context());
    if (wire->tls == NULL || SSL_set_fd(wire->tls, wire->fd) != 1) return HANDSHAKE_FAILED;
    SSL_set_connect_state(wire->tls);
  }
  ERR_clear_error();
  int result = SSL_do_handshake(wire->tls);
  if (result == 1) return HANDSHAKE_DONE;
  switch (SSL_get_error(wire->tls, result)) {
    case SSL_ERROR_WANT_READ:
      return HANDSHAKE_WAITS_TO_READ;
    case SSL_ERROR_WANT_WRITE:
      return HANDSHAKE_WAITS_TO_WRITE;
    default:
      return HANDSHAKE_FAILED;
  }
}

const char *wire_problem(void) {
  const char *reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason == NULL ? "the connection broke" : reason;
}

void wire_close(Wire *wire) {
  if (wire->tls != NULL) SSL_free(wire->tls);
  close(wire->fd);
  *wire = (Wire){.fd = -1};
}

#else

bool wire_can_tls(void) { return false; }

ssize_t wire_write(Wire *wire, const char *octets, size_t length) { return plain_write(wire, octets, length); }

ssize_t wire_read(Wire *wire, char *room, size_t length) { return read(wire->fd, room, length); }

enum Handshake wire_secure(Wire *wire) {
  (void)wire;
  return HANDSHAKE_FAILED;
}

const char *wire_problem(void) { return "compiled without OpenSSL"; }

void wire_close(Wire *wire) {
  close(wire->fd);
  *wire = (Wire){.fd = -1};
}

#endif
