#include "http/tls.hpp"

#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include <fstream>

#include "http/certificates.hpp"
#include "support/result.hpp"

using namespace faas;
using namespace faas::http;
using namespace faas::test;
using Step = TlsStream::Step;

namespace {

using Context = std::unique_ptr<SSL_CTX, FreeWith<SSL_CTX, SSL_CTX_free>>;
using Connection = std::unique_ptr<SSL, FreeWith<SSL, SSL_free>>;

// A client that trusts everybody, over memory.
struct Client {
  Context context{SSL_CTX_new(TLS_client_method())};
  Connection ssl;

  void begin() {
    ssl.reset(SSL_new(context.get()));
    SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl.get());
  }
  void show(Identification const& who) {
    CHECK(SSL_CTX_use_certificate_file(context.get(), who.certificate.c_str(), SSL_FILETYPE_PEM) ==
          1);
    CHECK(SSL_CTX_use_PrivateKey_file(context.get(), who.key.c_str(), SSL_FILETYPE_PEM) == 1);
  }
  std::string said() {
    std::string out(1 << 20, '\0');
    auto const count = BIO_read(SSL_get_wbio(ssl.get()), out.data(), static_cast<int>(out.size()));
    out.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return out;
  }
  void hear(std::string_view text) {
    if (!text.empty())
      BIO_write(SSL_get_rbio(ssl.get()), text.data(), static_cast<int>(text.size()));
  }
};

void exchange(Client& client, TlsStream& server) {
  server.feed(client.said());
  std::string const answer(server.pending());
  client.hear(answer);
  server.sent(answer.size());
}

// Whether both agreed.
bool shake(Client& client, TlsStream& server) {
  client.begin();
  auto step = Step::starved;
  int connected = 0;
  for (int i = 0; i < 10 && (step == Step::starved || connected != 1); ++i) {
    connected = SSL_do_handshake(client.ssl.get());
    exchange(client, server);
    step = server.shake_hands();
    exchange(client, server);
    if (step == Step::over) return false;
  }
  return step == Step::done && connected == 1;
}

struct Served {
  Authority authority{"authority"};
  Identification who = authority.issue("server");

  TlsOptions options() const { return {who.certificate, who.key, ""}; }
  TlsOptions asking() const { return {who.certificate, who.key, authority.certificate()}; }
};

std::string fault(TlsOptions const& options) {
  auto const loaded = TlsContext::load(options);
  return loaded ? "none" : loaded.error().message;
}

}  // namespace

TEST_CASE("what is encrypted at one end is read at the other, and a goodbye ends it") {
  Served served;
  auto const context = TlsContext::load(served.options());
  REQUIRE(context);
  TlsStream server(*context);
  Client client;
  REQUIRE(shake(client, server));
  CHECK(server.client_certificate().empty());

  std::string space(100, '\0');
  CHECK(server.decrypt(space).step == Step::starved);
  REQUIRE(SSL_write(client.ssl.get(), "hello", 5) == 5);
  exchange(client, server);
  auto const plain = server.decrypt(space);
  CHECK(plain.step == Step::done);
  CHECK(space.substr(0, plain.count) == "hello");

  CHECK(server.encrypt(std::string(40'000, 'x')));
  CHECK(server.encrypt(""));
  CHECK(server.pending().size() > 40'000);
  CHECK(server.pending().find("xxxx") == std::string_view::npos);
  client.hear(server.pending());
  server.sent(server.pending().size());
  CHECK(server.pending().empty());
  std::string got(50'000, '\0');
  std::size_t total = 0, count = 0;
  while (SSL_read_ex(client.ssl.get(), got.data() + total, got.size() - total, &count) == 1)
    total += count;
  CHECK(got.substr(0, total) == std::string(40'000, 'x'));

  CHECK_FALSE(server.ended());
  SSL_shutdown(client.ssl.get());
  exchange(client, server);
  CHECK(server.ended());
  CHECK(server.decrypt(space).step == Step::over);
}

TEST_CASE("older protocols than TLS 1.2 are refused") {
  Served served;
  auto const context = TlsContext::load(served.options());
  REQUIRE(context);
  for (auto const version : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    Client client;
    SSL_CTX_set_security_level(client.context.get(), 0);
    SSL_CTX_set_min_proto_version(client.context.get(), version);
    SSL_CTX_set_max_proto_version(client.context.get(), version);
    TlsStream server(*context);
    CHECK(shake(client, server) == (version >= TLS1_2_VERSION));
  }
}

TEST_CASE("a client's wish to negotiate anew is refused") {
  Served served;
  auto const context = TlsContext::load(served.options());
  REQUIRE(context);
  Client client;
  SSL_CTX_set_max_proto_version(client.context.get(), TLS1_2_VERSION);
  TlsStream server(*context);
  REQUIRE(shake(client, server));
  REQUIRE(SSL_renegotiate(client.ssl.get()) == 1);
  SSL_do_handshake(client.ssl.get());
  exchange(client, server);
  std::string space(100, '\0');
  CHECK(server.decrypt(space).step == Step::starved);  // a warning is sent, and nothing begins
  exchange(client, server);
  auto const again = SSL_do_handshake(client.ssl.get());
  CHECK(again != 1);
  CHECK(SSL_get_error(client.ssl.get(), again) == SSL_ERROR_SSL);
}

TEST_CASE("whoever speaks another protocol, or feeds rubbish, is done") {
  Served served;
  auto const context = TlsContext::load(served.options());
  REQUIRE(context);
  for (std::string_view const text :
       {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "\x16\x03\x01\xff\xff rubbish, and more of it",
        "SSH-2.0-OpenSSH_9.2\r\n"}) {
    CAPTURE(text);
    TlsStream server(*context);
    server.feed(text);
    CHECK(server.shake_hands() == Step::over);
  }
  TlsStream server(*context);
  server.feed(std::string_view("\x16\x03\x01\x02"));
  CHECK(server.shake_hands() == Step::starved);
}

TEST_CASE("where clients are asked for a certificate, one that the CA did not sign does not do") {
  Served served;
  Authority other("other");
  auto const context = TlsContext::load(served.asking());
  REQUIRE(context);
  for (auto const version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    auto const ours = served.authority.issue("client");
    Client good;
    good.show(ours);
    SSL_CTX_set_max_proto_version(good.context.get(), version);
    TlsStream server(*context);
    CHECK(shake(good, server));
    CHECK(server.client_certificate() == ours.sha256);

    Client none;
    SSL_CTX_set_max_proto_version(none.context.get(), version);
    TlsStream without(*context);
    CHECK_FALSE(shake(none, without));
    CHECK(without.client_certificate().empty());

    Client foreign;
    foreign.show(other.issue("client"));
    SSL_CTX_set_max_proto_version(foreign.context.get(), version);
    TlsStream wrong(*context);
    CHECK_FALSE(shake(foreign, wrong));
    CHECK(wrong.client_certificate().empty());
  }
}

TEST_CASE("a file that is no use is named") {
  Served served;
  Authority other("other");
  auto const somebody = other.issue("somebody");
  CHECK(fault(served.options()) == "none");
  CHECK(fault({"/nowhere", served.who.key, ""}).starts_with("The TLS certificate /nowhere cannot"));
  CHECK(fault({served.who.certificate, "/nowhere", ""}).starts_with("The TLS key /nowhere cannot"));
  CHECK(fault({served.who.certificate, somebody.key, ""}).starts_with("The TLS key "));
  CHECK(fault({served.who.key, served.who.key, ""}).starts_with("The TLS certificate "));
  CHECK(fault({served.who.certificate, served.who.key, "/nowhere"})
            .starts_with("The TLS client CA /nowhere cannot"));
  CHECK(fault({served.who.certificate, served.who.key, served.who.key})
            .starts_with("The TLS client CA "));
}
