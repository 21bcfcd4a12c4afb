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
 *   parameters 0|1   whether MAIL says SIZE and BODY, as nearly every client does (0)
 *   mode M           lockstep: each command waits for its reply; group: MAIL, RCPT and DATA go together (RFC 2920 section 3.1);
 *                    behind: the next group follows the final dot in one write; bdat: MAIL, RCPT, BDAT and the content are one
 *                    write (RFC 3030); handshakes: no message, only STARTTLS, a connection for each; burst: no message, all
 *                    connections are opened at once, and left when the last one is greeted
 *   tls 0|1          STARTTLS comes first (0)
 *   perconnection N  messages of one connection, 0 for all (0)
 *   seconds F        start no message after this time (1)
 *   messages N       or: send so many
 *   phased 0|1       print a line when all sessions are ready and wait for one; print the result when all are answered, and wait
 *                    for another line before they quit (0)
 *   idle N           open N connections, say EHLO, print a line, and hold them until standard input ends
 *
 * "load check" prints what this program can do.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

/* ---- What is sent ------------------------------------------------------------------------------------------------------- */

typedef struct {
  const char *name;
  const char *octets;
  size_t length;
  const char *replies;
} Batch;

/* QUIT is followed by the server's end of the connection, so it is the last batch of each connection. */
static Batch greeting, ehlo, starttls, mail, rcpt, data, group, content, content_and_group, transaction, quit;

enum Mode { LOCKSTEP, GROUP, BEHIND, BDAT, HANDSHAKES, BURST };
static const char *const mode_names[] = {"lockstep", "group", "behind", "bdat", "handshakes", "burst"};

static struct {
  int port, sessions, recipients, per_connection, idle;
  size_t size, line;
  bool stuffed, parameters, tls, phased;
  enum Mode mode;
  double seconds;
  long messages;
} options = {.sessions = 10, .recipients = 1, .size = 1024, .line = 70, .seconds = 1, .mode = LOCKSTEP};

/* Not more connections at a time are being greeted, except in a burst: how a server meets a crowd is another question. */
enum { GREETINGS_AT_A_TIME = 64, SILENCE_MS = 10000 };

/* ---- One connection ----------------------------------------------------------------------------------------------------- */

typedef struct {
  Wire wire;
  const Batch *batch;
  size_t sent;          /* 0 <= sent <= batch->length */
  size_t answered;      /* 0 <= answered <= strlen(batch->replies) */
  int recipients_left;  /* of the message under way, in lock step */
  int messages;         /* begun on this connection */
  int column;           /* of the reply line that is being read */
  char head[4];         /* its first four octets: three digits, and '-' where more lines follow */
  bool is_waiting_for_room, is_shaking_hands, is_secure;
} Session;

static Session *sessions;
static int poller, open_count, ready_count, parked_count;
static bool has_started;
static double started_at, last_acknowledged_at, cpu_seconds_before;
static long begun, acknowledged, connection_count, handshake_count;
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
  if (epoll_ctl(poller, operation, session->wire.fd, &event) < 0) die("epoll_ctl", strerror(errno));
}

static void send_rest(Session *session) {
  const Batch *batch = session->batch;
  while (session->sent < batch->length) {
    ssize_t count = wire_write(&session->wire, batch->octets + session->sent, batch->length - session->sent);
    if (count < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) die("write", strerror(errno));
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

static double cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void print_result(void) {
  printf("{\"messages\":%ld,\"handshakes\":%ld,\"seconds\":%.6f,\"contentOctets\":%llu,\"sentOctets\":%llu,"
         "\"connections\":%ld,\"cpuSeconds\":%.6f}\n",
         acknowledged, handshake_count, last_acknowledged_at - started_at, (unsigned long long)acknowledged * options.size,
         octets_sent, connection_count, cpu_seconds() - cpu_seconds_before);
}

/* A line goes out, and nothing happens until one comes in: whoever started us looks at the server meanwhile. */
static void stand_still(void) {
  fflush(stdout);
  char octet = '\0';
  while (octet != '\n' && read(STDIN_FILENO, &octet, 1) > 0) continue;
}

static void quit_all(void) {
  for (int index = 0; index < options.sessions; index += 1) begin_batch(&sessions[index], &quit);
}

/* Where the run has phases, a session that has sent its last message waits for the others. */
static void end_messages(Session *session) {
  if (!options.phased) {
    begin_batch(session, &quit);
    return;
  }
  parked_count += 1;
  if (parked_count < options.sessions) return;
  print_result();
  stand_still();
  quit_all();
}

static void begin_message(Session *session) {
  if (!may_begin(session)) {
    end_messages(session);
    return;
  }
  count_begun(session);
  begin_batch(session, options.mode == LOCKSTEP ? &mail : options.mode == BDAT ? &transaction : &group);
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

/* The connection itself was what is measured. */
static void connection_was_it(Session *session) {
  last_acknowledged_at = now();
  if (options.mode == HANDSHAKES) {
    begun += 1;
    handshake_count += 1;
    begin_batch(session, &quit);
  } else if (ready_count == options.sessions) {
    quit_all();
  }
}

/* Connections that last are all greeted before the clock starts: their opening is not what is measured. */
static void ready(Session *session) {
  ready_count += 1;
  if (options.idle > 0) return;
  if (options.mode == HANDSHAKES || options.mode == BURST) {
    connection_was_it(session);
  } else if (has_started) {
    begin_message(session);
  } else if (ready_count == options.sessions) {
    if (options.phased) {
      printf("{\"ready\":%d}\n", ready_count);
      stand_still();
    }
    start_clock();
    for (int index = 0; index < options.sessions; index += 1) begin_message(&sessions[index]);
  }
}

/* RFC 3207 section 4.2: under TLS the session begins anew, without a greeting. */
static void shake_hands(Session *session) {
  enum Handshake step = wire_secure(&session->wire);
  if (step == HANDSHAKE_FAILED) die("TLS", wire_problem());
  session->is_shaking_hands = step != HANDSHAKE_DONE;
  bool needs_room = step == HANDSHAKE_WAITS_TO_WRITE;
  if (needs_room != session->is_waiting_for_room) watch(session, EPOLL_CTL_MOD, EPOLLIN | (needs_room ? EPOLLOUT : 0));
  session->is_waiting_for_room = needs_room;
  if (session->is_shaking_hands) return;
  session->is_secure = true;
  begin_batch(session, &ehlo);
}

static void batch_answered(Session *session) {
  const Batch *batch = session->batch;
  if (batch == &greeting && options.mode == BURST) ready(session);
  else if (batch == &greeting) begin_batch(session, &ehlo);
  else if (batch == &ehlo && options.tls && !session->is_secure) begin_batch(session, &starttls);
  else if (batch == &starttls) shake_hands(session);
  else if (batch == &ehlo) ready(session);
  else if (batch == &mail || (batch == &rcpt && session->recipients_left > 0)) {
    session->recipients_left -= 1;
    begin_batch(session, &rcpt);
  } else if (batch == &rcpt) begin_batch(session, &data);
  else if (batch == &data || batch == &group || batch == &content_and_group) begin_content(session);
  else if (batch == &content || batch == &transaction) begin_message(session);
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
  *session = (Session){.wire = wire_open(options.port), .batch = &greeting};
  if (session->wire.fd < 0) die("connect", strerror(errno));
  watch(session, EPOLL_CTL_ADD, EPOLLIN);
  open_count += 1;
  connection_count += 1;
}

static void close_session(Session *session) {
  if (session->batch != &quit || session->answered == 0) die("the server closed the connection", session->batch->name);
  wire_close(&session->wire);
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
    if (session->is_shaking_hands) {
      shake_hands(session);
      continue;
    }
    if (events[index].events & EPOLLOUT) send_rest(session);
    if (!(events[index].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) continue;
    /* A record of TLS fits into it whole, so that nothing stays behind in OpenSSL unseen. */
    ssize_t length = wire_read(&session->wire, buffer, sizeof buffer);
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

/* A whole transaction in one write: a chunk is as it is, without dots. */
static Batch make_transaction(void) {
  char command[64];
  size_t length = (size_t)snprintf(command, sizeof command, "BDAT %zu LAST\r\n", options.size);
  Batch envelope = make_group(&(Batch){.length = 0});
  size_t envelope_length = envelope.length - data.length, recipients = (size_t)options.recipients;
  char *octets = room(envelope_length + length + content.length);
  memcpy(octets, envelope.octets, envelope_length);
  memcpy(octets + envelope_length, command, length);
  memcpy(octets + envelope_length + length, content.octets, options.size);
  char *replies = room(recipients + 3);
  memset(replies, '2', recipients + 1);
  memcpy(replies + recipients + 1, ".", 2);
  return (Batch){.name = "BDAT", .octets = octets, .length = envelope_length + length + options.size, .replies = replies};
}

static Batch make_mail(void) {
  static char octets[128];
  char parameters[64] = "";
  if (options.parameters) snprintf(parameters, sizeof parameters, " SIZE=%zu BODY=8BITMIME", options.size);
  snprintf(octets, sizeof octets, "MAIL FROM:<sender@example.test>%s\r\n", parameters);
  return make_batch("MAIL", octets, "2");
}

static void make_batches(void) {
  greeting = make_batch("the connection", "", "2");
  ehlo = make_batch("EHLO", "EHLO load.example.test\r\n", "2");
  starttls = make_batch("STARTTLS", "STARTTLS\r\n", "2");
  mail = make_mail();
  rcpt = make_batch("RCPT", "RCPT TO:<recipient@example.test>\r\n", "2");
  data = make_batch("DATA", "DATA\r\n", "3");
  quit = make_batch("QUIT", "QUIT\r\n", "2");
  content = make_content();
  group = make_group(&(Batch){.length = 0});
  content_and_group = make_group(&content);
  transaction = make_transaction();
}

/* ---- The runs ----------------------------------------------------------------------------------------------------------- */

static void run_load(void) {
  bool is_lasting = options.per_connection == 0 && options.mode != BURST;
  if (!is_lasting) start_clock();
  int opened = 0;
  cpu_seconds_before = cpu_seconds();
  do {
    while (opened < options.sessions && (!is_lasting || opened - ready_count < GREETINGS_AT_A_TIME)) {
      open_session(&sessions[opened++]);
    }
    take_events(SILENCE_MS);
  } while (open_count > 0);
  if (!options.phased) print_result();
}

static void run_idle(void) {
  double began = now();
  int opened = 0;
  while (ready_count < options.idle) {
    while (opened < options.idle && opened - ready_count < GREETINGS_AT_A_TIME) open_session(&sessions[opened++]);
    take_events(SILENCE_MS);
  }
  printf("{\"sessions\":%d,\"seconds\":%.6f}\n", ready_count, now() - began);
  fflush(stdout);
  char octet;
  while (read(STDIN_FILENO, &octet, 1) > 0) continue;
}

static enum Mode mode_of(const char *name) {
  for (size_t index = 0; index < sizeof mode_names / sizeof *mode_names; index += 1) {
    if (strcmp(name, mode_names[index]) == 0) return (enum Mode)index;
  }
  die("there is no mode", name);
  return LOCKSTEP;
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
    else if (strcmp(name, "parameters") == 0) options.parameters = atoi(value) == 1;
    else if (strcmp(name, "tls") == 0) options.tls = atoi(value) == 1;
    else if (strcmp(name, "phased") == 0) options.phased = atoi(value) == 1;
    else if (strcmp(name, "perconnection") == 0) options.per_connection = atoi(value);
    else if (strcmp(name, "seconds") == 0) options.seconds = atof(value);
    else if (strcmp(name, "messages") == 0) options.messages = atol(value);
    else if (strcmp(name, "idle") == 0) options.idle = atoi(value);
    else if (strcmp(name, "mode") == 0) options.mode = mode_of(value);
    else die("there is no option", name);
  }
  if (options.mode == HANDSHAKES) {
    options.tls = true;
    options.per_connection = 1;
  }
  if (options.tls && !wire_can_tls()) die("TLS", wire_problem());
  if (options.phased && options.per_connection > 0) die("usage", "phases are for sessions that last");
}

int main(int count, char **words) {
  if (count == 2 && strcmp(words[1], "check") == 0) {
    printf("{\"tls\":%s}\n", wire_can_tls() ? "true" : "false");
    return 0;
  }
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
