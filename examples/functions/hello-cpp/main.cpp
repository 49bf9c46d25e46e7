// A function without a client library: it speaks Lambda's runtime API itself, over one plain
// socket. Deploy with: faasd deploy hello-cpp DIR --runtime provided.al2023      (DIR holds this
// program as `bootstrap`)
#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

struct Message {
  std::string head, body;

  std::string header(std::string_view name) const {
    for (std::size_t line = head.find("\r\n"); line != head.npos;
         line = head.find("\r\n", line + 2)) {
      char const* field = head.c_str() + line + 2;
      if (strncasecmp(field, name.data(), name.size()) == 0 && field[name.size()] == ':') {
        std::string_view const value = field + name.size() + 2;
        return std::string(value.substr(0, value.find("\r\n")));
      }
    }
    return {};
  }
};

class RuntimeApi {
 public:
  explicit RuntimeApi(std::string const& address) : address_(address) {
    auto const colon = address.rfind(':');
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
    inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
    if (connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) std::exit(1);
  }

  Message next() { return ask("GET", "next", ""); }
  void respond(std::string const& id, std::string const& body) {
    ask("POST", id + "/response", body);
  }

 private:
  Message ask(std::string const& method, std::string const& call, std::string const& body) {
    auto const request = method + " /2018-06-01/runtime/invocation/" + call +
                         " HTTP/1.1\r\nHost: " + address_ +
                         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    for (std::size_t sent = 0; sent < request.size();) {
      auto const n = send(socket_, request.data() + sent, request.size() - sent, 0);
      if (n <= 0) std::exit(1);
      sent += static_cast<std::size_t>(n);
    }
    std::size_t end;
    while ((end = input_.find("\r\n\r\n")) == input_.npos) read_more();
    Message answer{input_.substr(0, end + 2), {}};
    auto const size = std::strtoul(answer.header("Content-Length").c_str(), nullptr, 10);
    while (input_.size() < end + 4 + size) read_more();
    answer.body = input_.substr(end + 4, size);
    input_.erase(0, end + 4 + size);
    return answer;
  }

  void read_more() {
    char bytes[16'384];
    auto const n = recv(socket_, bytes, sizeof bytes, 0);
    if (n <= 0) std::exit(0);  // the environment ends
    input_.append(bytes, static_cast<std::size_t>(n));
  }

  std::string address_, input_;
  int socket_ = socket(AF_INET, SOCK_STREAM, 0);
};

}  // namespace

int main() {
  RuntimeApi api(std::getenv("AWS_LAMBDA_RUNTIME_API"));
  for (;;) {
    auto const event = api.next();
    auto const id = event.header("Lambda-Runtime-Aws-Request-Id");
    std::printf("greeting request %s\n", id.c_str());  // goes to the function's log
    std::fflush(stdout);
    auto const payload = event.body.empty() ? "null" : event.body;
    api.respond(id, R"({"hello":)" + payload + R"(,"from":"c++","request":")" + id + "\"}");
  }
}
