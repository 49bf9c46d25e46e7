/* For authors of functions in C99, C11 or C++11 and later: one header, nothing to link. A program
   named `bootstrap`, deployed with the runtime "native", that answers events over the descriptor 3
   it is born with:

     #include <faas/guest.h>
     static void hello(const faas_event* event, faas_response* response, void* context) {
       (void)context;
       faas_reply(response, event->payload, event->size);
     }
     int main(void) { return faas_serve(hello, 0) == 0 ? 0 : 1; }

   Nothing here is called concurrently: faas_serve runs in the thread that called it and calls the
   handler there, one event at a time. Other threads of the program may run, also between events
   (the jail stands still 50 ms after an answer, until the next event); they may call the functions
   that take a faas_response while the handler has not returned, one thread at a time, and never
   faas_serve or faas_init_fail.

   Whose bytes: everything a faas_event points to belongs to faas_serve and is gone when the handler
   returns; a read after that may end the program (SIGBUS). What is given to a function here is
   copied before it returns. Both structs are valid during the handler only.

   fork: from faas_serve on the channel does not survive an exec (it is FD_CLOEXEC); a child that
   does not exec calls nothing of this header. Descriptor 3 is not to be read, written, closed or
   given away.

   Errors: functions return -1 and set errno. Only little-endian Linux. */
#ifndef FAAS_GUEST_H
#define FAAS_GUEST_H

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* Of the contract. Each frame carries it; either side refuses another's. */
#define FAAS_GUEST_VERSION 1
#define FAAS_GUEST_CHANNEL 3

#ifdef __cplusplus
extern "C" {
#endif

/* One event. Strings end with a NUL and are never null; what is unknown is empty. */
typedef struct faas_event {
  const char* payload; /* verbatim; payload[size] is 0 */
  size_t size;         /* bytes; up to 6 MiB and more, as the host allows */
  const char* request_id;
  const char* function_arn;
  const char* client_context; /* JSON */
  const char* tenant;
  const char* trace_id;
  const char* content_type; /* of the payload; empty: application/json */
  int64_t deadline_ms;      /* since the epoch; the jail is ended then */
} faas_event;

typedef struct faas_response faas_response;

/* Answers by one faas_reply, by faas_stream_write any number of times, or by faas_fail. One that
   does none of it has failed: Function.NoResponse. The answer leaves when the handler returns, but
   for a stream's bytes, and for a reply above 4 KiB where the host allows no memfd. */
typedef void (*faas_handler)(const faas_event* event, faas_response* response, void* context);

/* Serves until the host closes the channel (0). -1: EBADF or ENOTSOCK (not started by the runtime
   "native"), EPROTO (the host speaks another version), or the socket's error. */
static inline int faas_serve(faas_handler handler, void* context);

/* Before faas_serve, in its place: the program cannot start. Exit soon after. `type` as for
   faas_fail. */
static inline int faas_init_fail(const char* type, const char* message);

/* The whole answer. EALREADY: there is one. EMSGSIZE: 4 GiB or more; the host's own limit (6 MiB
   and 100 bytes) ends the call as Function.ResponseSizeTooLarge. Others: out of memory or files. */
static inline int faas_reply(faas_response* response, const void* bytes, size_t size);

/* Of the answer; before its first byte, 1 to 255 characters without control characters (else
   EINVAL). Otherwise application/json. */
static inline int faas_content_type(faas_response* response, const char* type);

/* More of a streamed answer, which ends when the handler returns. Blocks while the caller does not
   read. EALREADY: it was answered otherwise. EPIPE: the host has gone. */
static inline int faas_stream_write(faas_response* response, const void* bytes, size_t size);

/* A function error. `type` is Runtime.Name or Function.Name of letters (else the call counts as
   Runtime.Unknown or Function.Unknown; the document keeps what you wrote); `message` is UTF-8, cut
   after about 3 KiB. After faas_stream_write it ends the stream as failed. EALREADY: it was
   answered. */
static inline int faas_fail(faas_response* response, const char* type, const char* message);

/* Milliseconds until the deadline; 0 past it. */
static inline int64_t faas_remaining_ms(const faas_event* event);

/* Below this line: the wire. Names that end with _ are not for use. */

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "faas/guest.h: little-endian only"
#endif

enum {
  FAAS_MAGIC_ = 0x53414146, /* "FAAS" */
  FAAS_FRAME_ = 4096,       /* bytes of a frame, but for a chunk */
  FAAS_CHUNK_ = 65536,      /* bytes of a frame that is a chunk */
  FAAS_TYPE_ = 256          /* of a content type, with its NUL */
};
enum {
  FAAS_READY_ = 1,
  FAAS_RESPONSE_ = 2,
  FAAS_HEAD_ = 3,
  FAAS_PART_ = 4,
  FAAS_END_ = 5,
  FAAS_ERROR_ = 6,
  FAAS_INIT_ERROR_ = 7,
  FAAS_INVOKE_ = 16
};
enum { FAAS_IN_MEMFD_ = 1, FAAS_ASKS_ = 2, FAAS_STREAMS_ = 4 };
enum { FAAS_OPEN_ = 0, FAAS_STREAMING_ = 1, FAAS_ANSWERED_ = 2 };

struct faas_header_ {
  uint32_t magic;
  uint8_t version, type;
  uint16_t flags;
  uint64_t call;
  uint32_t meta, payload;
};

/* Of an invoke: deadline, then the sizes of its strings, then each with its NUL. */
struct faas_invoke_ {
  int64_t deadline_ms;
  uint32_t sizes[6];
};

struct faas_response {
  uint64_t call;
  int state, memfd;
  size_t used; /* of `frame`: what is sent when the handler returns */
  char type[FAAS_TYPE_];
  char frame[FAAS_FRAME_];
};

union faas_control_ {
  struct cmsghdr align;
  char bytes[CMSG_SPACE(sizeof(int))];
};

#ifndef __cplusplus
extern long syscall(long number, ...); /* hidden by -std=c99 */
#endif

static inline void faas_header_make_(char* frame, int type, int flags, uint64_t call, size_t meta,
                                     size_t payload) {
  struct faas_header_ head;
  head.magic = FAAS_MAGIC_;
  head.version = FAAS_GUEST_VERSION;
  head.type = (uint8_t)type;
  head.flags = (uint16_t)flags;
  head.call = call;
  head.meta = (uint32_t)meta;
  head.payload = (uint32_t)payload;
  memcpy(frame, &head, sizeof head);
}

/* One frame of up to two parts, with a descriptor unless it is -1. Blocks while the host does not
   read. */
static inline int faas_send_(const void* first, size_t first_size, const void* second,
                             size_t second_size, int fd) {
  union faas_control_ control;
  struct iovec parts[2];
  struct msghdr message;
  memset(&message, 0, sizeof message);
  parts[0].iov_base = (void*)first;
  parts[0].iov_len = first_size;
  parts[1].iov_base = (void*)second;
  parts[1].iov_len = second_size;
  message.msg_iov = parts;
  message.msg_iovlen = second_size ? 2 : 1;
  if (fd >= 0) {
    struct cmsghdr* c;
    memset(&control, 0, sizeof control);
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
  }
  for (;;) {
    if (sendmsg(FAAS_GUEST_CHANNEL, &message, MSG_NOSIGNAL) >= 0) return 0;
    if (errno != EINTR) return -1;
  }
}

static inline int faas_send_header_(int type, int flags, uint64_t call) {
  char head[sizeof(struct faas_header_)];
  faas_header_make_(head, type, flags, call, 0, 0);
  return faas_send_(head, sizeof head, head, 0, -1);
}

static inline int faas_write_(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    ssize_t const n = write(fd, bytes, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    bytes += n;
    size -= (size_t)n;
  }
  return 0;
}

/* A memfd of both parts that nobody can change any more, or -1. */
static inline int faas_memfd_(const char* meta, size_t meta_size, const void* bytes, size_t size) {
  int const seals = 1 | 2 | 4 | 8; /* F_SEAL_SEAL, _SHRINK, _GROW, _WRITE */
  /* MFD_CLOEXEC, MFD_ALLOW_SEALING */
  int const fd = (int)syscall(SYS_memfd_create, "faas-response", 1 | 2);
  if (fd < 0) return -1;
  if (faas_write_(fd, meta, meta_size) == 0 && faas_write_(fd, (const char*)bytes, size) == 0 &&
      fcntl(fd, 1033 /* F_ADD_SEALS */, seals) == 0)
    return fd;
  close(fd);
  return -1;
}

static inline int faas_chunks_(uint64_t call, const char* bytes, size_t size) {
  char head[sizeof(struct faas_header_)];
  size_t const room = FAAS_CHUNK_ - sizeof head;
  while (size > 0) {
    size_t const n = size < room ? size : room;
    faas_header_make_(head, FAAS_PART_, 0, call, 0, n);
    if (faas_send_(head, sizeof head, bytes, n, -1) != 0) return -1;
    bytes += n;
    size -= n;
  }
  return 0;
}

static inline int faas_send_head_(faas_response* r, int flags) {
  char head[sizeof(struct faas_header_)];
  size_t const n = strlen(r->type);
  faas_header_make_(head, FAAS_HEAD_, flags, r->call, n, 0);
  return faas_send_(head, sizeof head, r->type, n, -1);
}

/* What is sent when the handler returns. */
static inline void faas_finish_with_(faas_response* r, int type, int flags, const char* meta,
                                     size_t meta_size, const void* bytes, size_t size) {
  int const in_memfd = flags & FAAS_IN_MEMFD_;
  faas_header_make_(r->frame, type, flags | FAAS_ASKS_, r->call, meta_size, size);
  r->used = sizeof(struct faas_header_);
  r->state = FAAS_ANSWERED_;
  if (in_memfd) return;
  memcpy(r->frame + r->used, meta, meta_size);
  r->used += meta_size;
  if (size) memcpy(r->frame + r->used, bytes, size);
  r->used += size;
}

static inline int faas_state_(faas_response* r, int wanted) {
  if (r->state == wanted) return 0;
  errno = EALREADY;
  return -1;
}

static inline int faas_reply(faas_response* r, const void* bytes, size_t size) {
  size_t const meta = strlen(r->type);
  if (faas_state_(r, FAAS_OPEN_) != 0) return -1;
  if (size > UINT32_MAX - FAAS_FRAME_) {
    errno = EMSGSIZE;
    return -1;
  }
  if (sizeof(struct faas_header_) + meta + size <= FAAS_FRAME_) {
    faas_finish_with_(r, FAAS_RESPONSE_, 0, r->type, meta, bytes, size);
    return 0;
  }
  r->memfd = faas_memfd_(r->type, meta, bytes, size);
  if (r->memfd >= 0) {
    faas_finish_with_(r, FAAS_RESPONSE_, FAAS_IN_MEMFD_, r->type, meta, bytes, size);
    return 0;
  }
  if (errno != ENOSYS && errno != EPERM) return -1;
  if (faas_send_head_(r, 0) != 0) return -1;
  r->state = FAAS_STREAMING_;
  if (faas_chunks_(r->call, (const char*)bytes, size) != 0) return -1;
  faas_finish_with_(r, FAAS_END_, 0, "", 0, "", 0);
  return 0;
}

static inline int faas_content_type(faas_response* r, const char* type) {
  size_t const n = strlen(type);
  int fits = n > 0 && n < FAAS_TYPE_;
  if (faas_state_(r, FAAS_OPEN_) != 0) return -1;
  for (size_t i = 0; fits && i < n; ++i) fits = (unsigned char)type[i] >= 0x20 && type[i] != 0x7f;
  if (!fits) {
    errno = EINVAL;
    return -1;
  }
  memcpy(r->type, type, n + 1);
  return 0;
}

static inline int faas_stream_write(faas_response* r, const void* bytes, size_t size) {
  if (r->state == FAAS_OPEN_) {
    if (faas_send_head_(r, FAAS_STREAMS_) != 0) return -1;
    r->state = FAAS_STREAMING_;
  }
  if (faas_state_(r, FAAS_STREAMING_) != 0) return -1;
  return faas_chunks_(r->call, (const char*)bytes, size);
}

/* A JSON string's inside, at most `room` bytes, never half a character. Returns its size. */
static inline size_t faas_quote_(char* out, size_t room, const char* text) {
  static const char digits[] = "0123456789abcdef";
  size_t n = 0, whole = 0; /* `whole`: up to the last character that is complete */
  for (; *text; ++text) {
    unsigned char const c = (unsigned char)*text;
    size_t const size = c < 0x20 ? 6 : c == '"' || c == '\\' ? 2 : 1;
    if ((c & 0xc0) != 0x80) whole = n;
    if (n + size > room) return whole;
    if (size == 2) out[n] = '\\';
    if (size == 6) {
      memcpy(out + n, "\\u00", 4);
      out[n + 4] = digits[c >> 4];
      out[n + 5] = digits[c & 15];
    } else {
      out[n + size - 1] = (char)c;
    }
    n += size;
  }
  return n;
}

static inline size_t faas_put_(char* out, const char* text) {
  size_t const n = strlen(text);
  memcpy(out, text, n);
  return n;
}

/* {"errorMessage":M,"errorType":T}; `out` has 3,600 bytes. */
static inline size_t faas_document_(char* out, const char* type, const char* message) {
  size_t n = faas_put_(out, "{\"errorMessage\":\"");
  n += faas_quote_(out + n, 3200, message);
  n += faas_put_(out + n, "\",\"errorType\":\"");
  n += faas_quote_(out + n, 300, type);
  n += faas_put_(out + n, "\"}");
  return n;
}

static inline int faas_fail(faas_response* r, const char* type, const char* message) {
  char document[3600];
  size_t const size = faas_document_(document, type, message);
  size_t const meta = strlen(type) < 256 ? strlen(type) : 255;
  if (r->state == FAAS_ANSWERED_) return faas_state_(r, FAAS_OPEN_);
  faas_finish_with_(r, r->state == FAAS_OPEN_ ? FAAS_ERROR_ : FAAS_END_, 0, type, meta, document,
                    size);
  return 0;
}

static inline int faas_init_fail(const char* type, const char* message) {
  faas_response r;
  memset(&r, 0, sizeof r);
  faas_fail(&r, type, message);
  r.frame[offsetof(struct faas_header_, type)] = FAAS_INIT_ERROR_;
  r.frame[offsetof(struct faas_header_, flags)] = 0;
  return faas_send_(r.frame, r.used, r.frame, 0, -1);
}

static inline int64_t faas_remaining_ms(const faas_event* event) {
  struct timeval now;
  int64_t left;
  gettimeofday(&now, 0);
  left = event->deadline_ms - ((int64_t)now.tv_sec * 1000 + now.tv_usec / 1000);
  return left > 0 ? left : 0;
}

/* One frame's size, 0 at the end of the channel, or -1. `fd`: what came with it, or -1. */
static inline ssize_t faas_receive_(char* frame, int* fd) {
  union faas_control_ control;
  struct iovec part;
  struct msghdr message;
  struct cmsghdr* c;
  ssize_t n;
  memset(&message, 0, sizeof message);
  part.iov_base = frame;
  part.iov_len = FAAS_FRAME_;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  *fd = -1;
  do {
    n = recvmsg(FAAS_GUEST_CHANNEL, &message, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  c = n > 0 ? CMSG_FIRSTHDR(&message) : 0;
  if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
    memcpy(fd, CMSG_DATA(c), sizeof *fd);
  return n;
}

static inline int faas_event_make_(faas_event* event, const struct faas_header_* head,
                                   const char* body) {
  const char** const strings[6] = {&event->request_id, &event->function_arn, &event->client_context,
                                   &event->tenant,     &event->trace_id,     &event->content_type};
  struct faas_invoke_ fixed;
  size_t at = sizeof fixed;
  int i;
  memcpy(&fixed, body, sizeof fixed);
  event->deadline_ms = fixed.deadline_ms;
  for (i = 0; i < 6; ++i) {
    *strings[i] = body + at;
    at += (size_t)fixed.sizes[i] + 1;
  }
  event->payload = body + head->meta;
  event->size = head->payload;
  return at == head->meta ? 0 : -1;
}

/* Calls the handler with the event of one frame and sends what it answered. */
static inline int faas_handle_(char* frame, ssize_t received, int fd, faas_handler handler,
                               void* context) {
  struct faas_header_ head;
  faas_response response;
  faas_event event;
  char* mapped = 0;
  size_t size;
  int result = -1;
  memset(&head, 0, sizeof head);
  if ((size_t)received >= sizeof head) memcpy(&head, frame, sizeof head);
  size = (size_t)head.meta + head.payload;
  errno = EPROTO;
  if (head.magic != FAAS_MAGIC_ || head.version != FAAS_GUEST_VERSION || head.type != FAAS_INVOKE_)
    return -1;
  if (head.flags & FAAS_IN_MEMFD_) {
    void* const at = mmap(0, size + 1, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED) return -1;
    mapped = (char*)at;
  } else if ((size_t)received != sizeof head + size) {
    return -1;
  } else {
    frame[received] = 0;
  }
  if (faas_event_make_(&event, &head, mapped ? mapped : frame + sizeof head) == 0) {
    response.call = head.call;
    response.state = FAAS_OPEN_;
    response.memfd = -1;
    memcpy(response.type, "application/json", sizeof "application/json");
    handler(&event, &response, context);
    if (response.state == FAAS_OPEN_)
      faas_fail(&response, "Function.NoResponse", "The handler returned without an answer");
    if (response.state == FAAS_STREAMING_) faas_finish_with_(&response, FAAS_END_, 0, "", 0, "", 0);
    /* Before the answer: with it, the host takes back the event's memory. */
    if (mapped) munmap(mapped, size + 1);
    mapped = 0;
    result = faas_send_(response.frame, response.used, response.frame, 0, response.memfd);
    if (response.memfd >= 0) close(response.memfd);
  }
  if (mapped) munmap(mapped, size + 1);
  return result;
}

static inline int faas_serve(faas_handler handler, void* context) {
  char frame[FAAS_FRAME_ + 1];
  if (fcntl(FAAS_GUEST_CHANNEL, F_SETFD, FD_CLOEXEC) != 0) return -1;
  if (faas_send_header_(FAAS_READY_, 0, 0) != 0) return -1;
  for (;;) {
    int fd, result;
    ssize_t const n = faas_receive_(frame, &fd);
    if (n <= 0) return n == 0 ? 0 : -1;
    result = faas_handle_(frame, n, fd, handler, context);
    if (fd >= 0) close(fd);
    if (result != 0) return -1;
  }
}

#ifdef __cplusplus
}
#endif

#endif
