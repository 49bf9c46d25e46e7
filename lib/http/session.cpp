// All of Beast that this module instantiates: it is slow to compile.
#include "http/session.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include "http/body_budget.hpp"
#include "http/head.hpp"
#include "http/render.hpp"
#include "http/request_id.hpp"

namespace faas::inline v0::http {
namespace {

namespace beast = boost::beast;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr auto kHeadTime = std::chrono::seconds(10);
constexpr auto kKeepAliveTime = std::chrono::seconds(60);
constexpr auto kBodyIdleTime = std::chrono::seconds(20);
constexpr auto kWriteTime = std::chrono::seconds(20);  // for each piece
constexpr auto kLingerTime = std::chrono::seconds(5);
constexpr auto kRateGrace = std::chrono::seconds(5);
constexpr std::size_t kRate = 1000;  // bytes a second, once the grace is over
constexpr std::size_t kReadSize = 16 * 1024;
constexpr std::size_t kBodyStep =
    1 << 20;  // memory follows the bytes that came, not the length claimed
constexpr std::size_t kWriteStep = 256 * 1024;

enum class Read { complete, too_large, malformed, too_slow, gone };

auto into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

bool too_slow(Clock::time_point since, std::uint64_t bytes) {
  auto const elapsed = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - since);
  return elapsed > kRateGrace && bytes < static_cast<std::uint64_t>(elapsed.count()) * kRate;
}

// Beast lets a quoted chunk extension hold line ends, where another reader sees the chunk begin.
bool holds_control(std::string_view text) {
  return std::ranges::any_of(text,
                             [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

Response bad_request(Error const& error) {
  auto response = render_error(error);
  response.status = error.code == Errc::too_large ? 431 : 400;
  return response;
}

// Named functions, for g++ 12 destroys twice an Error{…} written inside a co_await.
Response head_too_large() {
  return bad_request(
      Error{Errc::too_large, "The request head is larger than 65536 bytes.", "", "http"});
}

Response malformed_body() {
  return bad_request(Error{Errc::invalid_argument, "malformed chunked body", "", "http"});
}

Response too_late(std::string message) {
  auto response = render_error(Error{Errc::deadline, std::move(message), "", "http"});
  response.status = 408;
  return response;
}

Response head_too_slow() { return too_late("The request's head did not come within 10 s."); }

Response body_too_slow() {
  return too_late("The request's body paused for 20 s, or came at less than 1000 bytes a second.");
}

Response denied(std::string message, std::string reason) {
  auto response = render_error(Error{Errc::denied, std::move(message), std::move(reason), "http"});
  response.status = 403;
  return response;
}

Response foreign_host() {
  return denied("This server answers to loopback names only (Host: localhost, 127.0.0.1 or [::1]).",
                "ForeignHost");
}

Response foreign_origin() {
  return denied("Pages of other sites may not call this server (Origin is not a loopback name).",
                "ForeignOrigin");
}

// Nothing: it comes from nowhere else.
std::optional<Response> foreign(Head const& head) {
  if (!loopback_host(head.header("Host"))) return foreign_host();
  bool const from_page = std::ranges::any_of(head.headers, [](Header const& header) {
    return same_without_case(header.name, "Origin") && !loopback_origin(header.value);
  });
  if (from_page) return foreign_origin();
  return std::nullopt;
}

Response failed(Operation operation, std::string_view what) {
  auto message = "The request failed inside the server: " + std::string(what);
  if (speaks_lambda(operation)) return render(LambdaError{"ServiceException", std::move(message)});
  return render_error(Error{Errc::internal, std::move(message), "", "http"});
}

}  // namespace

struct Session::Impl : std::enable_shared_from_this<Session::Impl> {
  Impl(asio::ip::tcp::socket socket, std::shared_ptr<Context> c)
      : stream(std::move(socket)), context(std::move(c)), buffer(kHeadLimit + kReadSize) {}

  std::string_view buffered() const {
    return {static_cast<char const*>(buffer.data().data()), buffer.size()};
  }

  std::string take(std::size_t length) {
    std::string text(buffered().substr(0, length));
    buffer.consume(length);
    return text;
  }

  asio::awaitable<std::size_t> read_some() {
    error_code error;
    auto const count = co_await stream.async_read_some(buffer.prepare(kReadSize), into(error));
    buffer.commit(count);
    co_return error ? 0 : count;
  }

  class Patience;

  asio::awaitable<void> run();
  asio::awaitable<std::string> read_head_text();
  asio::awaitable<std::string> read_rest_of_head(std::size_t scanned);
  asio::awaitable<bool> serve(std::string const& text);
  asio::awaitable<Read> read_body(Head const&, std::string const& text, std::uint64_t limit,
                                  std::string& body);
  asio::awaitable<Read> read_sized(std::uint64_t length, std::string& body);
  asio::awaitable<Read> read_chunked(std::string const& text, std::uint64_t limit,
                                     std::string& body);
  asio::awaitable<bool> write(Response&, std::string const& id, Connection, bool head_only);
  asio::awaitable<bool> write_bytes(std::string_view, std::string_view);
  asio::awaitable<bool> write_chunks(Response&);
  asio::awaitable<bool> refuse(Response);
  bool peer_left();

  beast::tcp_stream stream;
  std::shared_ptr<Context> context;
  beast::flat_buffer buffer;
  bool interruptible =
      true;            // nothing is lost if the connection closes now; touched on the strand only
  unsigned waits = 0;  // how many Patiences began or ended
};

// While it lives, what the stream waits for is given up at `end`: the operation fails and the
// connection stays, so that the client can be told. Beast's own timer closes it.
class Session::Impl::Patience {
 public:
  Patience(Impl& impl, Clock::duration time)
      : impl_(impl), end_(Clock::now() + time), timer_(impl.stream.get_executor(), end_) {
    impl_.stream.expires_never();
    timer_.async_wait(
        [self = impl.shared_from_this(), wait = ++impl.waits](error_code const& error) {
          if (!error && wait == self->waits) self->stream.cancel();
        });
  }
  ~Patience() { ++impl_.waits; }
  Patience(Patience const&) = delete;
  Patience& operator=(Patience const&) = delete;

  bool over() const { return Clock::now() >= end_; }

 private:
  Impl& impl_;
  Clock::time_point end_;
  asio::steady_timer timer_;
};

Session::Session(asio::ip::tcp::socket socket, std::shared_ptr<Context> context)
    : impl_(std::make_shared<Impl>(std::move(socket), std::move(context))) {}
Session::~Session() = default;

asio::awaitable<void> Session::run() {
  return [](std::shared_ptr<Impl> impl) -> asio::awaitable<void> { co_await impl->run(); }(impl_);
}

void Session::stop(Stop how) {
  asio::post(impl_->stream.get_executor(), [impl = impl_, how] {
    if (how == Stop::at_once || impl->interruptible) impl->stream.close();
  });
}

asio::awaitable<void> Session::Impl::run() {
  error_code ignored;
  stream.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  for (;;) {
    interruptible = true;
    auto const text = co_await read_head_text();
    if (text.empty()) break;
    // stop() may come between the reading of a request and here: whom nobody can answer is not run.
    if (!stream.socket().is_open()) break;
    interruptible = false;
    bool const again = co_await serve(text);
    if (!again) break;
  }
  stream.socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
  stream.close();
}

// Empty: the connection is over.
asio::awaitable<std::string> Session::Impl::read_head_text() {
  if (buffer.size() == 0) {
    stream.expires_after(kKeepAliveTime);
    auto const count = co_await read_some();
    if (count == 0) co_return std::string();
  }
  std::size_t scanned = 0;
  if (auto const length = head_length(buffered(), scanned); length && *length <= kHeadLimit)
    co_return take(*length);
  co_return co_await read_rest_of_head(scanned);
}

asio::awaitable<std::string> Session::Impl::read_rest_of_head(std::size_t scanned) {
  auto refusal = head_too_large();
  for (Patience const patience(*this, kHeadTime); buffer.size() <= kHeadLimit;) {
    auto const count = co_await read_some();
    if (count == 0 && !patience.over()) co_return std::string();
    if (count == 0) {
      refusal = head_too_slow();
      break;
    }
    auto const length = head_length(buffered(), scanned);
    if (length && *length <= kHeadLimit) co_return take(*length);
  }
  co_await refuse(std::move(refusal));
  co_return std::string();
}

// False: the connection must close.
asio::awaitable<bool> Session::Impl::serve(std::string const& text) {
  auto head = parse_head(text);
  if (!head) co_return co_await refuse(bad_request(head.error()));
  if (auto refusal = foreign(*head)) co_return co_await refuse(std::move(*refusal));
  auto target = parse_target(head->target);
  if (!target) co_return co_await refuse(bad_request(target.error()));

  auto route = find_route(head->method, *target);
  auto const operation = route.operation;
  auto const limit = body_limit(operation, context->options);
  if (head->content_length.value_or(0) > limit)
    co_return co_await refuse(body_too_large(operation, limit));
  auto const reserved =
      context->budget.reserve(head->chunked ? limit : head->content_length.value_or(0));
  if (!reserved) co_return co_await refuse(body_memory_spent(operation));

  Request request;
  auto const read = co_await read_body(*head, text, limit, request.body);
  if (read == Read::too_large) co_return co_await refuse(body_too_large(operation, limit));
  if (read == Read::malformed) co_return co_await refuse(malformed_body());
  if (read == Read::too_slow) co_return co_await refuse(body_too_slow());
  if (read == Read::gone) co_return false;

  auto const id = new_request_id();
  bool const keep_alive = head->keep_alive;
  bool const head_only = head->method == "HEAD";
  request.id = id;
  request.head = std::move(*head);
  request.target = std::move(*target);
  Response response;
  try {
    response = co_await dispatch(*context, std::move(route), std::move(request));
  } catch (std::exception const& e) {
    response = failed(operation, e.what());
  }
  auto const connection = keep_alive && !context->closing && !response.endless
                              ? Connection::keep_alive
                              : Connection::close;
  bool const written = co_await write(response, id, connection, head_only);
  if (!written) co_return false;
  co_return connection == Connection::keep_alive;
}

asio::awaitable<Read> Session::Impl::read_body(Head const& head, std::string const& text,
                                               std::uint64_t limit, std::string& body) {
  bool const empty = !head.chunked && head.content_length.value_or(0) == 0;
  if (empty) co_return Read::complete;
  if (head.expects_continue && buffer.size() == 0) {
    bool const written = co_await write_bytes("HTTP/1.1 100 Continue\r\n\r\n", "");
    if (!written) co_return Read::gone;
  }
  if (head.chunked) co_return co_await read_chunked(text, limit, body);
  co_return co_await read_sized(*head.content_length, body);
}

asio::awaitable<Read> Session::Impl::read_sized(std::uint64_t length, std::string& body) {
  auto const since = Clock::now();
  auto const here = std::min<std::uint64_t>(buffer.size(), length);
  body.assign(buffered().substr(0, here));
  buffer.consume(here);
  while (body.size() < length) {
    auto const at = body.size();
    body.resize(at + std::min<std::uint64_t>(length - at, kBodyStep));
    Patience const patience(*this, kBodyIdleTime);
    error_code error;
    auto const count = co_await stream.async_read_some(
        asio::buffer(body.data() + at, body.size() - at), into(error));
    body.resize(at + count);
    if (error) co_return patience.over() ? Read::too_slow : Read::gone;
    if (too_slow(since, body.size())) co_return Read::too_slow;
  }
  co_return Read::complete;
}

// The head goes through Beast's parser a second time, only so that it knows the framing: what it
// says was taken from parse_head.
asio::awaitable<Read> Session::Impl::read_chunked(std::string const& text, std::uint64_t limit,
                                                  std::string& body) {
  auto const since = Clock::now();
  auto check_extensions = [](std::uint64_t, beast::string_view extensions, error_code& e) {
    if (holds_control(extensions)) e = beast::http::error::bad_chunk_extension;
  };
  beast::http::request_parser<beast::http::string_body> parser;
  parser.on_chunk_header(check_extensions);
  parser.body_limit(limit);
  parser.header_limit(kHeadLimit);
  error_code error;
  parser.put(asio::buffer(text), error);
  while (!error && !parser.is_done()) {
    Patience const patience(*this, kBodyIdleTime);
    co_await beast::http::async_read_some(stream, buffer, parser, into(error));
    if (error == asio::error::operation_aborted && patience.over()) co_return Read::too_slow;
    if (!error && !parser.is_done() && too_slow(since, parser.get().body().size()))
      co_return Read::too_slow;
  }
  if (error == beast::http::error::body_limit) co_return Read::too_large;
  if (error == beast::http::error::end_of_stream || error == beast::http::error::partial_message)
    co_return Read::gone;
  if (error)
    co_return error.category() ==
            beast::http::make_error_code(beast::http::error::bad_chunk).category()
        ? Read::malformed
        : Read::gone;
  body = std::move(parser.get().body());
  co_return Read::complete;
}

asio::awaitable<bool> Session::Impl::write(Response& response, std::string const& id,
                                           Connection connection, bool head_only) {
  auto const head = render_head(response, id, connection, std::time(nullptr));
  bool const whole = !response.chunks || head_only;
  auto const body = whole && !head_only ? std::string_view(response.body) : std::string_view();
  bool const written = co_await write_bytes(head, body);
  if (!written || whole) co_return written;
  interruptible = response.endless;
  co_return co_await write_chunks(response);
}

// `first` with as much of `second` as one piece holds in one system call.
asio::awaitable<bool> Session::Impl::write_bytes(std::string_view first, std::string_view second) {
  error_code error;
  do {
    auto const piece = second.substr(0, kWriteStep);
    std::array<asio::const_buffer, 2> const buffers{asio::buffer(first.data(), first.size()),
                                                    asio::buffer(piece.data(), piece.size())};
    stream.expires_after(kWriteTime);
    co_await asio::async_write(stream, buffers, into(error));
    first = {};
    second.remove_prefix(piece.size());
  } while (!error && !second.empty());
  co_return !error;
}

asio::awaitable<bool> Session::Impl::write_chunks(Response& response) {
  for (;;) {
    auto chunk = co_await response.chunks();
    if (!chunk) break;
    if (chunk->empty()) {
      if (peer_left() || !stream.socket().is_open()) co_return false;
      continue;
    }
    auto const head = response.length ? std::string() : chunk_head(chunk->size());
    if (!response.length) *chunk += "\r\n";
    bool const written = co_await write_bytes(head, *chunk);
    if (!written) co_return false;
  }
  if (response.length) co_return true;
  co_return co_await write_bytes("0\r\n\r\n", "");
}

// Answers and closes. What the client still sends is read and dropped for a while: closing on
// unread bytes makes the kernel send RST, and the client would never see the answer.
asio::awaitable<bool> Session::Impl::refuse(Response response) {
  auto const id = new_request_id();
  bool const written = co_await write(response, id, Connection::close, false);
  if (!written) co_return false;
  error_code error;
  stream.socket().shutdown(asio::ip::tcp::socket::shutdown_send, error);
  stream.expires_after(kLingerTime);
  interruptible = true;
  while (!error) {
    buffer.clear();
    auto const count = co_await read_some();
    if (count == 0) break;
  }
  co_return false;
}

bool Session::Impl::peer_left() {
  char byte = 0;
  return ::recv(stream.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

}  // namespace faas::inline v0::http
