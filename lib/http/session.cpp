#include "http/session.hpp"

#include <algorithm>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "http/body_budget.hpp"
#include "http/client_socket.hpp"
#include "http/head.hpp"
#include "http/permissions.hpp"
#include "http/render.hpp"
#include "http/request_id.hpp"

namespace faas::inline v0::http {
namespace {

namespace beast = boost::beast;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr auto kHandshakeTime = std::chrono::seconds(10);
constexpr auto kHeadTime = std::chrono::seconds(10);
constexpr auto kKeepAliveTime = std::chrono::seconds(60);
constexpr auto kBodyIdleTime = std::chrono::seconds(20);
constexpr auto kWriteTime = std::chrono::seconds(20);  // for each piece
constexpr auto kLingerTime = std::chrono::seconds(5);
constexpr auto kRateGrace = std::chrono::seconds(5);
constexpr std::size_t kRate = 1000;  // bytes a second, once the grace is over
constexpr std::size_t kReadSize = 16 * 1024;
constexpr std::size_t kBufferSize = kHeadLimit + kReadSize;
constexpr std::size_t kBodyStep =
    1 << 20;  // memory follows the bytes that came, not the length claimed
constexpr std::size_t kWriteStep = 256 * 1024;

enum class Read { complete, too_large, malformed, too_slow, gone };

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
  return denied(
      "This server answers to loopback names only (Host: localhost, 127.0.0.1 or [::1]) and to "
      "those of HttpServerOptions::hosts (faasd serve --host NAME).",
      "ForeignHost");
}

Response foreign_origin() {
  return denied(
      "Pages of other sites may not call this server (Origin is neither a loopback name nor one of "
      "HttpServerOptions::hosts).",
      "ForeignOrigin");
}

// Nothing: it comes from nowhere else. No page reaches a Unix socket, and its name is not Host's.
std::optional<Response> foreign(Head const& head, Peer const& peer, Names const& hosts) {
  if (!peer.uid && !known_host(head.header("Host"), hosts)) return foreign_host();
  bool const from_page = std::ranges::any_of(head.headers, [&](HeaderLine const& header) {
    return same_without_case(header.name, "Origin") && !known_origin(header.value, hosts);
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

struct Session::Impl {
  Impl(StreamSocket s, std::shared_ptr<Context> c, Peer p)
      : context(std::move(c)),
        peer(std::move(p)),
        socket(std::make_shared<ClientSocket>(
            std::move(s), peer.secure ? std::make_unique<TlsStream>(*context->tls) : nullptr)),
        buffer(kBufferSize) {}
  ~Impl() { socket->close(); }

  std::string_view buffered() const {
    return {static_cast<char const*>(buffer.data().data()), buffer.size()};
  }

  std::string take(std::size_t length) {
    std::string text(buffered().substr(0, length));
    buffer.consume(length);
    return text;
  }

  // More of what the client sends; 0: there is no more.
  asio::awaitable<std::size_t> read_some(Clock::time_point until) {
    auto const room = std::min(kReadSize, buffer.max_size() - buffer.size());
    auto const count = co_await socket->read_some(buffer.prepare(room), until);
    buffer.commit(count);
    co_return count;
  }

  asio::awaitable<void> run();
  asio::awaitable<bool> shake_hands();
  asio::awaitable<std::optional<std::size_t>> rest_of_head(std::size_t scanned);
  asio::awaitable<bool> serve(std::string text);
  std::optional<Response> refusal_of_head(Head const&, Target const&, Operation,
                                          Credentials&) const;
  std::optional<Response> refusal_of_sender(Request&, Operation, Credentials const&) const;
  bool take_body(Head const&, std::string& body);
  asio::awaitable<Read> read_body(Head const&, std::string const& text, std::uint64_t limit,
                                  std::string& body);
  asio::awaitable<Read> read_sized(std::uint64_t length, std::string& body);
  asio::awaitable<Read> read_chunked(std::string const& text, std::uint64_t limit,
                                     std::string& body);
  asio::awaitable<bool> write_rest(std::string_view, std::string_view);
  asio::awaitable<bool> write_chunks(Response&);
  asio::awaitable<bool> refuse(Response);

  // In one system call, if the kernel takes all of it; else what it left is to be written by
  // write_rest.
  bool send(std::string_view& first, std::string_view& second) {
    return socket->send(first, second) && first.empty() && second.empty();
  }

  std::shared_ptr<Context> context;
  Peer peer;
  std::shared_ptr<ClientSocket> socket;
  beast::flat_buffer buffer;
  RequestIds ids;
};

Session::Session(StreamSocket socket, std::shared_ptr<Context> context, Peer peer)
    : impl_(std::make_shared<Impl>(std::move(socket), std::move(context), std::move(peer))) {}
Session::~Session() = default;

asio::awaitable<void> Session::run() {
  return [](std::shared_ptr<Impl> impl) -> asio::awaitable<void> { co_await impl->run(); }(impl_);
}

void Session::stop(Stop how) {
  impl_->socket->stop(how == Stop::at_once ? ClientSocket::Stop::at_once
                                           : ClientSocket::Stop::resting);
}

asio::awaitable<bool> Session::Impl::shake_hands() {
  if (!peer.secure) co_return true;
  bool const shaken = co_await socket->shake_hands(Clock::now() + kHandshakeTime);
  if (shaken) peer.certificate = socket->client_certificate();
  co_return shaken;
}

asio::awaitable<void> Session::Impl::run() {
  bool const begun = co_await shake_hands();
  while (begun) {
    socket->rest();
    if (buffer.size() == 0) {
      auto const count = co_await read_some(Clock::now() + kKeepAliveTime);
      if (count == 0) break;
    }
    std::size_t scanned = 0;
    auto length = head_length(buffered(), scanned);
    if (!length || *length > kHeadLimit) length = co_await rest_of_head(scanned);
    if (!length) break;
    // stop() may come between the reading of a request and here: whom nobody can answer is not run.
    if (!socket->work()) break;
    bool const again = co_await serve(take(*length));
    if (!again) break;
  }
  socket->close();
}

// Nothing: the connection is over.
asio::awaitable<std::optional<std::size_t>> Session::Impl::rest_of_head(std::size_t scanned) {
  auto refusal = head_too_large();
  auto const until = Clock::now() + kHeadTime;
  while (buffer.size() <= kHeadLimit) {
    auto const count = co_await read_some(until);
    if (count == 0 && !socket->late()) co_return std::nullopt;
    if (count == 0) {
      refusal = head_too_slow();
      break;
    }
    auto const length = head_length(buffered(), scanned);
    if (length && *length <= kHeadLimit) co_return length;
  }
  co_await refuse(std::move(refusal));
  co_return std::nullopt;
}

// Before the body is read, and memory kept for it.
std::optional<Response> Session::Impl::refusal_of_head(Head const& head, Target const& target,
                                                       Operation operation,
                                                       Credentials& credentials) const {
  if (permission_of(operation).subject != Subject::nobody_asked) {
    auto looked = context->sign_in.look(peer, head, target, std::chrono::system_clock::now());
    if (!looked) return refused(operation, looked.error());
    credentials = std::move(*looked);
  }
  auto const limit = body_limit(operation, context->options);
  if (head.content_length.value_or(0) > limit) return body_too_large(operation, limit);
  return std::nullopt;
}

std::optional<Response> Session::Impl::refusal_of_sender(Request& request, Operation operation,
                                                         Credentials const& credentials) const {
  if (permission_of(operation).subject == Subject::nobody_asked) return std::nullopt;
  auto const who =
      context->sign_in.identify(peer, credentials, request.head, request.target, request.body);
  if (!who) return refused(operation, who.error());
  request.identity = *who;
  return std::nullopt;
}

// False: the connection must close.
asio::awaitable<bool> Session::Impl::serve(std::string text) {
  auto head = parse_head(text);
  if (!head) co_return co_await refuse(bad_request(head.error()));
  if (auto refusal = foreign(*head, peer, context->options.hosts))
    co_return co_await refuse(std::move(*refusal));
  auto target = parse_target(head->target);
  if (!target) co_return co_await refuse(bad_request(target.error()));

  auto route = find_route(head->method, *target);
  auto const operation = route.operation;
  Credentials credentials;
  if (auto refusal = refusal_of_head(*head, *target, operation, credentials))
    co_return co_await refuse(std::move(*refusal));
  auto const limit = body_limit(operation, context->options);
  auto const sender = credentials.signature ? BodyBudget::Sender::unproved  // until it has its body
                                            : BodyBudget::Sender::known;
  auto const reserved =
      context->budget.reserve(head->chunked ? limit : head->content_length.value_or(0), sender);
  if (!reserved) co_return co_await refuse(body_memory_spent(operation));

  Request request;
  if (!take_body(*head, request.body)) {
    auto const read = co_await read_body(*head, text, limit, request.body);
    if (read == Read::too_large) co_return co_await refuse(body_too_large(operation, limit));
    if (read == Read::malformed) co_return co_await refuse(malformed_body());
    if (read == Read::too_slow) co_return co_await refuse(body_too_slow());
    if (read == Read::gone) co_return false;
  }

  auto const id = ids.next();
  request.id = id;
  bool const keep_alive = head->keep_alive;
  bool const head_only = head->method == "HEAD";
  request.head = std::move(*head);
  request.target = std::move(*target);
  request.secure = peer.secure;
  if (auto refusal = refusal_of_sender(request, operation, credentials))
    co_return co_await refuse(std::move(*refusal));
  Response response;
  try {
    response = co_await dispatch(*context, std::move(route), std::move(request));
  } catch (std::exception const& e) {
    response = failed(operation, e.what());
  }
  auto const connection = keep_alive && !context->closing && !response.endless
                              ? Connection::keep_alive
                              : Connection::close;
  auto const words = render_head(response, id, connection, std::time(nullptr));
  bool const whole = !response.chunks || head_only;
  std::string_view first = words, second;
  if (whole && !head_only) second = response.body;
  bool written = send(first, second);
  if (!written) written = co_await write_rest(first, second);
  if (written && !whole) {
    if (response.endless) socket->rest();
    written = co_await write_chunks(response);
  }
  co_return written&& connection == Connection::keep_alive;
}

// True: all of it is here, or there is none.
bool Session::Impl::take_body(Head const& head, std::string& body) {
  auto const length = head.content_length.value_or(0);
  if (head.chunked || length > buffer.size()) return false;
  body = take(length);
  return true;
}

asio::awaitable<Read> Session::Impl::read_body(Head const& head, std::string const& text,
                                               std::uint64_t limit, std::string& body) {
  if (head.expects_continue && buffer.size() == 0) {
    bool const written = co_await write_rest("HTTP/1.1 100 Continue\r\n\r\n", "");
    if (!written) co_return Read::gone;
  }
  if (head.chunked) co_return co_await read_chunked(text, limit, body);
  co_return co_await read_sized(*head.content_length, body);
}

asio::awaitable<Read> Session::Impl::read_sized(std::uint64_t length, std::string& body) {
  auto const since = Clock::now();
  body = take(std::min<std::uint64_t>(buffer.size(), length));
  while (body.size() < length) {
    auto const at = body.size();
    body.resize(at + std::min<std::uint64_t>(length - at, kBodyStep));
    auto const count = co_await socket->read_some(asio::buffer(body.data() + at, body.size() - at),
                                                  Clock::now() + kBodyIdleTime);
    body.resize(at + count);
    if (count == 0) co_return socket->late() ? Read::too_slow : Read::gone;
    if (too_slow(since, body.size())) co_return Read::too_slow;
  }
  co_return Read::complete;
}

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
  parser.eager(true);
  error_code error;
  parser.put(asio::buffer(text), error);
  while (!error && !parser.is_done()) {
    if (buffer.size() > 0) buffer.consume(parser.put(buffer.data(), error));
    if (error == beast::http::error::need_more) error = {};
    if (error || parser.is_done()) break;
    if (buffer.size() == buffer.max_size()) co_return Read::malformed;  // a chunk's endless head
    auto const count = co_await read_some(Clock::now() + kBodyIdleTime);
    if (count == 0) co_return socket->late() ? Read::too_slow : Read::gone;
    if (too_slow(since, parser.get().body().size())) co_return Read::too_slow;
  }
  if (error == beast::http::error::body_limit) co_return Read::too_large;
  if (error) co_return Read::malformed;
  body = std::move(parser.get().body());
  co_return Read::complete;
}

// Each piece has its time: who reads slowly holds the memory of all of it.
asio::awaitable<bool> Session::Impl::write_rest(std::string_view first, std::string_view second) {
  do {
    auto piece = second.substr(0, kWriteStep);
    second.remove_prefix(piece.size());
    auto const until = Clock::now() + kWriteTime;
    for (;;) {
      if (!socket->send(first, piece)) co_return false;
      if (first.empty() && piece.empty()) break;
      bool const room = co_await socket->writable(until);
      if (!room) co_return false;
    }
  } while (!second.empty());
  co_return true;
}

asio::awaitable<bool> Session::Impl::write_chunks(Response& response) {
  for (;;) {
    auto chunk = co_await response.chunks();
    if (!chunk) break;
    if (chunk->empty()) {
      if (socket->peer_left() || socket->stopped()) co_return false;
      continue;
    }
    auto const head = response.length ? std::string() : chunk_head(chunk->size());
    if (!response.length) *chunk += "\r\n";
    bool const written = co_await write_rest(head, *chunk);
    if (!written) co_return false;
  }
  if (response.length) co_return true;
  co_return co_await write_rest("0\r\n\r\n", "");
}

// Answers and closes. What the client still sends is read and dropped for a while: closing on
// unread bytes makes the kernel send RST, and the client would never see the answer.
asio::awaitable<bool> Session::Impl::refuse(Response response) {
  auto const head = render_head(response, ids.next(), Connection::close, std::time(nullptr));
  bool const written = co_await write_rest(head, response.body);
  if (!written) co_return false;
  socket->end_writing();
  socket->rest();
  auto const until = Clock::now() + kLingerTime;
  for (;;) {
    buffer.clear();
    auto const count = co_await read_some(until);
    if (count == 0) co_return false;
  }
}

}  // namespace faas::inline v0::http
