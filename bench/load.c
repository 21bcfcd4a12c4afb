/*
 * The load generator: it sends mail as fast as one server on this machine takes it, and prints what was acknowledged as one JSON
 * object. It is not a client: it knows the few replies it asked for, and any other reply ends the run with an error.
 *
 * bench/load-generator.mjs compiles and starts it; bench/load.mjs is the same program for machines without a C compiler.
 *
 * Everything that is sent is made once, before the clock starts. A conversation is a chain of batches; a batch is octets together
 * with the replies that they call for, one letter each:
 *   2  a reply of class 2      3  a reply of class 3      .  a reply of class 2 that acknowledges a message
 *
 * Usage: load PORT [name value]...
 *   sessions N       connections at a time (10)
 *   size N           octets of a message before dot-stuffing, the last CRLF among them (1024)
 *   line N           letters of a line, without its CRLF (70)
 *   stuffed 0|1      whether each line begins with a dot (0)
 *   recipients N     recipients of a message (1)
 *   mode M           lockstep: each command waits for its reply; group: MAIL, RCPT and DATA go together (RFC 2920 section 3.1);
 *                    behind: the next group follows the final dot in one write
 *   perconnection N  messages of one connection, 0 for all (0)
 *   seconds F        start no message after this time (1)
 *   messages N       or: send so many
 *   idle N           open N connections, say EHLO, print a line, and hold them until standard input ends
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- What is sent ------------------------------------------------------------------------------------------------------- */

typedef struct {
  const char *name;
  const char *octets;
  size_t length;
  const char *replies;
} Batch;

/* QUIT is followed by the server's end of the connection, so it is the last batch of each connection. */
static Batch greeting, ehlo, mail, rcpt, data, group, content, content_and_group, quit;

enum Mode { LOCKSTEP, GROUP, BEHIND };

static struct {
  int port, sessions, recipients, per_connection, idle;
  size_t size, line;
  bool stuffed;
  enum Mode mode;
  double seconds;
  long messages;
} options = {.sessions = 10, .recipients = 1, .size = 1024, .line = 70, .seconds = 1, .mode = LOCKSTEP};

/* ---- One connection ----------------------------------------------------------------------------------------------------- */

typedef struct {
  int fd;
  const Batch *batch;
  size_t sent;          /* 0 <= sent <= batch->length */
  size_t answered;      /* 0 <= answered <= strlen(batch->replies) */
  int recipients_left;  /* of the message under way, in lock step */
  int messages;         /* begun on this connection */
  int column;           /* of the reply line that is being read */
  char head[4];         /* its first four octets: three digits, and '-' where more lines follow */
  bool is_waiting_for_room;
} Session;

static Session *sessions;
static int poller, open_count, ready_count;
static bool has_started;
static double started_at, last_acknowledged_at;
static long begun, acknowledged, connection_count;
static unsigned long long octets_sent;

static void die(const char *what, const char *detail) {
  fprintf(stderr, "load: %s%s%s\n", what, detail[0] == '\0' ? "" : ": ", detail);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void watch(Session *session, int operation, unsigned events) {
  struct epoll_event event = {.events = events, .data.ptr = session};
  if (epoll_ctl(poller, operation, session->fd, &event) < 0) die("epoll_ctl", strerror(errno));
}

static void send_rest(Session *session) {
  const Batch *batch = session->batch;
  while (session->sent < batch->length) {
    ssize_t count = send(session->fd, batch->octets + session->sent, batch->length - session->sent, MSG_NOSIGNAL);
    if (count < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != ENOTCONN) die("send", strerror(errno));
      if (!session->is_waiting_for_room) watch(session, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
      session->is_waiting_for_room = true;
      return;
    }
    session->sent += (size_t)count;
    octets_sent += (unsigned long long)count;
  }
  if (session->is_waiting_for_room) watch(session, EPOLL_CTL_MOD, EPOLLIN);
  session->is_waiting_for_room = false;
}

static void begin_batch(Session *session, const Batch *batch) {
  session->batch = batch;
  session->sent = 0;
  session->answered = 0;
  send_rest(session);
}

/* Whether one more message may begin: there is time, or there are messages, left. */
static bool may_begin(const Session *session) {
  if (options.per_connection > 0 && session->messages >= options.per_connection) return false;
  return options.messages > 0 ? begun < options.messages : now() - started_at < options.seconds;
}

static void count_begun(Session *session) {
  begun += 1;
  session->messages += 1;
  session->recipients_left = options.recipients;
}

static void begin_message(Session *session) {
  if (!may_begin(session)) {
    begin_batch(session, &quit);
    return;
  }
  count_begun(session);
  begin_batch(session, options.mode == LOCKSTEP ? &mail : &group);
}

static void begin_content(Session *session) {
  if (options.mode == BEHIND && may_begin(session)) {
    count_begun(session);
    begin_batch(session, &content_and_group);
  } else {
    begin_batch(session, &content);
  }
}

static void start_clock(void) {
  has_started = true;
  started_at = last_acknowledged_at = now();
}

/* Connections that last are all greeted before the clock starts: their opening is not what is measured. */
static void ready(Session *session) {
  ready_count += 1;
  if (options.idle > 0) return;
  if (has_started) {
    begin_message(session);
  } else if (ready_count == options.sessions) {
    start_clock();
    for (int index = 0; index < options.sessions; index += 1) begin_message(&sessions[index]);
  }
}

static void batch_answered(Session *session) {
  const Batch *batch = session->batch;
  if (batch == &greeting) begin_batch(session, &ehlo);
  else if (batch == &ehlo) ready(session);
  else if (batch == &mail || (batch == &rcpt && session->recipients_left > 0)) {
    session->recipients_left -= 1;
    begin_batch(session, &rcpt);
  } else if (batch == &rcpt) begin_batch(session, &data);
  else if (batch == &data || batch == &group || batch == &content_and_group) begin_content(session);
  else if (batch == &content) begin_message(session);
}

static void take_reply(Session *session) {
  char wanted = session->batch->replies[session->answered];
  char class = wanted == '.' ? '2' : wanted;
  if (wanted == '\0' || session->head[0] != class) {
    char detail[64];
    snprintf(detail, sizeof detail, "%.3s to %s", session->head, session->batch->name);
    die("unexpected reply", detail);
  }
  if (wanted == '.') {
    acknowledged += 1;
    last_acknowledged_at = now();
  }
  session->answered += 1;
  if (session->batch->replies[session->answered] == '\0') batch_answered(session);
}

static void take_octets(Session *session, const char *octets, size_t length) {
  for (size_t index = 0; index < length; index += 1) {
    if (session->column < 4) session->head[session->column] = octets[index];
    session->column += 1;
    if (octets[index] != '\n') continue;
    bool is_last = session->column < 5 || session->head[3] != '-';
    session->column = 0;
    if (is_last) take_reply(session);
  }
}

static void open_session(Session *session) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket", strerror(errno));
  int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
    die("connect", strerror(errno));
  }
  *session = (Session){.fd = fd, .batch = &greeting};
  watch(session, EPOLL_CTL_ADD, EPOLLIN);
  open_count += 1;
  connection_count += 1;
}

static void close_session(Session *session) {
  if (session->batch != &quit || session->answered == 0) die("the server closed the connection", session->batch->name);
  close(session->fd);
  session->fd = -1;
  open_count -= 1;
  bool more = options.messages > 0 ? begun < options.messages : now() - started_at < options.seconds;
  if (options.per_connection > 0 && more) open_session(session);
}

static void take_events(int wait_ms) {
  static char buffer[65536];
  struct epoll_event events[256];
  int count = epoll_wait(poller, events, 256, wait_ms);
  if (count < 0 && errno != EINTR) die("epoll_wait", strerror(errno));
  if (count == 0) die("the server has been silent for 10 seconds", "");
  for (int index = 0; index < count; index += 1) {
    Session *session = events[index].data.ptr;
    if (events[index].events & EPOLLOUT) send_rest(session);
    if (!(events[index].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) continue;
    ssize_t length = read(session->fd, buffer, sizeof buffer);
    if (length > 0) take_octets(session, buffer, (size_t)length);
    else if (length == 0) close_session(session);
    else if (errno != EAGAIN && errno != EINTR) die("read", strerror(errno));
  }
}

/* ---- Making what is sent ------------------------------------------------------------------------------------------------ */

static char *room(size_t length) {
  char *memory = malloc(length);
  if (memory == NULL) die("out of memory", "");
  return memory;
}

static Batch make_batch(const char *name, const char *text, const char *replies) {
  return (Batch){.name = name, .octets = text, .length = strlen(text), .replies = replies};
}

/* Lines of equal length up to the size, the last one or two fitted; then the final dot. */
static Batch make_content(void) {
  static const char header[] = "Subject: load\r\n\r\n";
  size_t line = options.line, left = options.size, length = 0;
  char *octets = room(2 * left + 8);
  if (left < sizeof header + 2) die("size", "a message has at least 24 octets");
  memcpy(octets, header, sizeof header - 1);
  length = sizeof header - 1;
  left -= length;
  while (left > 0) {
    size_t letters = left == line + 2 || left >= line + 4 ? line : left - 2;
    if (options.stuffed && letters > 0) octets[length++] = '.';
    memset(octets + length, 'x', letters);
    if (options.stuffed && letters > 0) octets[length] = '.';
    length += letters;
    octets[length++] = '\r';
    octets[length++] = '\n';
    left -= letters + 2;
  }
  memcpy(octets + length, ".\r\n", 3);
  return (Batch){.name = "content", .octets = octets, .length = length + 3, .replies = "."};
}

static Batch make_group(const Batch *before) {
  size_t recipients = (size_t)options.recipients;
  size_t length = before->length;
  char *octets = room(before->length + mail.length + rcpt.length * recipients + data.length);
  char *replies = room(recipients + 4);
  size_t reply_count = 0;
  if (before->length > 0) memcpy(octets, before->octets, before->length);
  if (before->length > 0) replies[reply_count++] = '.';
  memcpy(octets + length, mail.octets, mail.length);
  length += mail.length;
  replies[reply_count++] = '2';
  for (size_t index = 0; index < recipients; index += 1) {
    memcpy(octets + length, rcpt.octets, rcpt.length);
    length += rcpt.length;
    replies[reply_count++] = '2';
  }
  memcpy(octets + length, data.octets, data.length);
  length += data.length;
  replies[reply_count++] = '3';
  replies[reply_count] = '\0';
  return (Batch){.name = "group", .octets = octets, .length = length, .replies = replies};
}

static void make_batches(void) {
  greeting = make_batch("the connection", "", "2");
  ehlo = make_batch("EHLO", "EHLO load.example.test\r\n", "2");
  mail = make_batch("MAIL", "MAIL FROM:<sender@example.test>\r\n", "2");
  rcpt = make_batch("RCPT", "RCPT TO:<recipient@example.test>\r\n", "2");
  data = make_batch("DATA", "DATA\r\n", "3");
  quit = make_batch("QUIT", "QUIT\r\n", "2");
  content = make_content();
  group = make_group(&(Batch){.length = 0});
  content_and_group = make_group(&content);
}

/* ---- The runs ----------------------------------------------------------------------------------------------------------- */

static double cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void run_load(void) {
  if (options.per_connection > 0) start_clock();
  for (int index = 0; index < options.sessions; index += 1) open_session(&sessions[index]);
  double cpu_before = cpu_seconds();
  while (open_count > 0) take_events(10000);
  double elapsed = last_acknowledged_at - started_at;
  printf("{\"messages\":%ld,\"seconds\":%.6f,\"contentOctets\":%llu,\"sentOctets\":%llu,\"connections\":%ld,\"cpuSeconds\":%.6f}\n",
         acknowledged, elapsed, (unsigned long long)acknowledged * options.size, octets_sent, connection_count,
         cpu_seconds() - cpu_before);
}

/* Not more than 64 connections at a time are being greeted: how a server meets a crowd is another question. */
static void run_idle(void) {
  double began = now();
  int opened = 0;
  while (ready_count < options.idle) {
    while (opened < options.idle && opened - ready_count < 64) open_session(&sessions[opened++]);
    take_events(10000);
  }
  printf("{\"sessions\":%d,\"seconds\":%.6f}\n", ready_count, now() - began);
  fflush(stdout);
  char octet;
  while (read(STDIN_FILENO, &octet, 1) > 0) continue;
}

static void read_options(int count, char **words) {
  if (count < 2 || count % 2 != 0) die("usage", "load PORT [name value]...");
  options.port = atoi(words[1]);
  for (int index = 2; index < count; index += 2) {
    const char *name = words[index], *value = words[index + 1];
    if (strcmp(name, "sessions") == 0) options.sessions = atoi(value);
    else if (strcmp(name, "size") == 0) options.size = strtoul(value, NULL, 10);
    else if (strcmp(name, "line") == 0) options.line = strtoul(value, NULL, 10);
    else if (strcmp(name, "stuffed") == 0) options.stuffed = atoi(value) == 1;
    else if (strcmp(name, "recipients") == 0) options.recipients = atoi(value);
    else if (strcmp(name, "perconnection") == 0) options.per_connection = atoi(value);
    else if (strcmp(name, "seconds") == 0) options.seconds = atof(value);
    else if (strcmp(name, "messages") == 0) options.messages = atol(value);
    else if (strcmp(name, "idle") == 0) options.idle = atoi(value);
    else if (strcmp(name, "mode") != 0) die("there is no option", name);
    else if (strcmp(value, "lockstep") == 0) options.mode = LOCKSTEP;
    else if (strcmp(value, "group") == 0) options.mode = GROUP;
    else if (strcmp(value, "behind") == 0) options.mode = BEHIND;
    else die("there is no mode", value);
  }
}

int main(int count, char **words) {
  read_options(count, words);
  make_batches();
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  poller = epoll_create1(EPOLL_CLOEXEC);
  if (poller < 0) die("epoll_create1", strerror(errno));
  int session_count = options.idle > 0 ? options.idle : options.sessions;
  sessions = calloc((size_t)session_count, sizeof *sessions);
  if (sessions == NULL) die("out of memory", "");
  if (options.idle > 0) run_idle();
  else run_load();
  return 0;
}
