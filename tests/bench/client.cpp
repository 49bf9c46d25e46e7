#include "bench/client.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace faas::bench {
namespace {

constexpr std::string_view kEndOfHead = "\r\n\r\n";

// Whole once it is so long; 0: its head is not there yet.
std::size_t length_of(std::string const& answer) {
  auto const head = answer.find(kEndOfHead);
  if (head == std::string::npos) return 0;
  char const* const length = strcasestr(answer.c_str(), "\r\ncontent-length:");
  return head + kEndOfHead.size() + (length ? std::strtoul(length + 17, nullptr, 10) : 0);
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t const n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

Client::Client(std::string const& address) : address_(address) { renew(); }

void Client::renew() {
  if (fd_ >= 0) ::close(fd_);
  auto const colon = address_.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<unsigned short>(std::stoi(address_.substr(colon + 1))));
  ::inet_pton(AF_INET, address_.substr(0, colon).c_str(), &to.sin_addr);
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int const on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
    answer_ = "cannot connect to " + address_;
}

Client::~Client() { ::close(fd_); }

int Client::ask(std::string_view request) {
  if (!send_all(fd_, request)) return 0;
  answer_.clear();
  char bytes[65536];
  for (std::size_t whole = 0; whole == 0 || answer_.size() < whole; whole = length_of(answer_)) {
    ssize_t const n = ::read(fd_, bytes, sizeof bytes);
    if (n <= 0) return 0;
    answer_.append(bytes, static_cast<std::size_t>(n));
  }
  return std::atoi(answer_.c_str() + std::strlen("HTTP/1.1 "));
}

std::string_view Client::body() const {
  return std::string_view(answer_).substr(answer_.find(kEndOfHead) + kEndOfHead.size());
}

std::string request(std::string_view method, std::string_view target, std::string_view body) {
  std::string text(method);
  text.append(" ").append(target).append(" HTTP/1.1\r\nHost: 127.0.0.1\r\n");
  if (!body.empty()) {
    text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size());
    text += "\r\n";
  }
  return text.append("\r\n").append(body);
}

}  // namespace faas::bench
