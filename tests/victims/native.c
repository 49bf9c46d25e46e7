// A function of the native contract. An event is a word and up to two numbers; the words after
// "raw" break the contract.
#define _GNU_SOURCE
#include <faas/guest.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { kMost = 8 << 20 };

static char bytes[kMost];

static void describe(const faas_event* e, faas_response* r) {
  int const n = snprintf(bytes, kMost, "%s|%s|%s|%s|%s|%s|%d", e->request_id, e->function_arn,
                         e->client_context, e->tenant, e->trace_id, e->content_type,
                         faas_remaining_ms(e) > 0 && faas_remaining_ms(e) <= 900000);
  if (faas_content_type(r, "a\nb") != -1 || errno != EINVAL) return;  // no answer: it ends badly
  faas_content_type(r, "text/plain");
  faas_reply(r, bytes, (size_t)n);
}

static void stream(faas_response* r, long pieces, long size) {
  faas_content_type(r, "text/event-stream");
  while (pieces-- > 0)
    if (faas_stream_write(r, bytes, (size_t)size) != 0) return;
}

// One record as it is, and nothing after it.
static void raw(const void* record, size_t size, int fd) {
  faas_send_(record, size, record, 0, fd);
  for (;;) pause();
}

static void break_contract(const faas_event* e, const char* how) {
  char frame[FAAS_FRAME_];
  // The call's number is in the frame the event lies in: 1 for the first.
  faas_header_make_(frame, FAAS_RESPONSE_, FAAS_ASKS_, 1, 0, 0);
  if (!strcmp(how, "magic")) frame[0] = 'X';
  if (!strcmp(how, "version")) frame[4] = 9;
  if (!strcmp(how, "type")) frame[5] = 99;
  if (!strcmp(how, "ready")) faas_header_make_(frame, FAAS_READY_, 0, 0, 0, 0);
  if (!strcmp(how, "descriptor")) raw(frame, sizeof(struct faas_header_), 1);
  if (!strcmp(how, "file")) {
    faas_header_make_(frame, FAAS_RESPONSE_, FAAS_ASKS_ | FAAS_IN_MEMFD_, 1, 0, 4096);
    int const file = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    faas_write_(file, bytes, 4096);
    raw(frame, sizeof(struct faas_header_), file);
  }
  if (!strcmp(how, "long")) raw(bytes, 70000, -1);
  if (!strcmp(how, "empty")) raw(bytes, 0, -1);
  if (!strcmp(how, "closed")) {
    close(FAAS_GUEST_CHANNEL);
    for (;;) pause();
  }
  if (!strcmp(how, "late")) {
    faas_header_make_(frame, FAAS_RESPONSE_, 0, 77, 0, 0);
    for (int i = 0; i < 5000; ++i) faas_send_(frame, sizeof(struct faas_header_), frame, 0, -1);
    faas_header_make_(frame, FAAS_RESPONSE_, FAAS_ASKS_, 1, 0, 0);
  }
  raw(frame, sizeof(struct faas_header_), -1);
  (void)e;
}

static void handle(const faas_event* e, faas_response* r, void* context) {
  char word[32] = "", how[32] = "";
  long first = 0, second = 0;
  (void)context;
  if (e->payload[e->size] != 0) abort();
  if (e->size > 4096) {  // of a memfd
    faas_reply(r, e->payload, e->size);
    return;
  }
  sscanf(e->payload, "%31s %ld %ld", word, &first, &second);
  if (sscanf(e->payload, "raw %31s", how) == 1) break_contract(e, how);
  if (!strcmp(word, "describe")) describe(e, r);
  if (!strcmp(word, "echo")) faas_reply(r, e->payload, e->size);
  if (!strcmp(word, "bytes")) faas_reply(r, bytes, (size_t)first);
  if (!strcmp(word, "stream")) stream(r, first, second);
  if (!strcmp(word, "late")) stream(r, 1, 10), faas_fail(r, "Function.Late", "after \"10\" bytes");
  if (!strcmp(word, "fail")) faas_fail(r, "Function.Bad", "it is\n\"bad\"");
  if (!strcmp(word, "exit")) exit(3);
  if (!strcmp(word, "crash")) raise(SIGSEGV);
  if (!strcmp(word, "sleep")) sleep(60);
  if (!strcmp(word, "linger")) {
    struct linger {
      int on, seconds;
    } const wish = {1, 100};
    int const s = socket(AF_INET, SOCK_STREAM, 0);
    int const set = setsockopt(s, SOL_SOCKET, 13 /* SO_LINGER */, &wish, sizeof wish);
    faas_reply(r, bytes, (size_t)sprintf(bytes, "%d %d", set, set ? errno : 0));
    memset(bytes, 'x', 16);
  }
  if (!strcmp(word, "twice")) {
    faas_reply(r, "one", 3);
    if (faas_reply(r, "two", 3) != -1 || errno != EALREADY) abort();
  }
}

int main(int argc, char** argv) {
  (void)argv;
  memset(bytes, 'x', kMost);
  if (getenv("INIT_FAILS"))
    return faas_init_fail("Runtime.NoConfig", "INIT_FAILS is set") == 0 ? 1 : 2;
  (void)argc;
  return faas_serve(handle, 0) == 0 ? 0 : 1;
}
