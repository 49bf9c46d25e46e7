// The access file, read strictly: what is misspelt must not open or close a door in silence.
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <faas/control.hpp>
#include <functional>
#include <limits>

#include "base/check.hpp"
#include "base/text.hpp"
#include "control/document.hpp"

namespace faas::inline v0 {
namespace {

namespace json = boost::json;
using control::Node;

constexpr std::size_t kFileLimit = control::kDocumentBytes;

// Of the access file; the line is the key's or the value's.
struct Place {
  std::string_view origin;

  Error error(std::size_t line, std::string_view what) const {
    return {Errc::invalid_argument, fmt::format("{}:{}: {}", origin, line, what), "", "access"};
  }
};

using Set = std::function<Result<void>(Principal&, Node::Member const&, Place)>;

Set text(std::string Principal::*member) {
  return [=](Principal& p, Node::Member const& m, Place at) -> Result<void> {
    if (m.value.kind != Node::Kind::scalar)
      return at.error(m.line, fmt::format("'{}' must be a string", m.key));
    p.*member = m.value.text;
    return {};
  };
}

Result<void> read_uid(Principal& p, Node::Member const& m, Place at) {
  auto const& text = m.value.text;
  std::uint32_t uid = 0;
  auto const* const end = text.data() + text.size();
  auto const [stop, error] = std::from_chars(text.data(), end, uid);
  // The last one means nobody to the kernel.
  bool const number = m.value.kind == Node::Kind::scalar && error == std::errc{} && stop == end;
  if (!number || uid == std::numeric_limits<std::uint32_t>::max())
    return at.error(m.line, "'Uid' must be a user's number");
  p.uid = uid;
  return {};
}

Result<std::vector<std::string>> read_patterns(Node::Member const& m, Place at) {
  auto const is_text = [](Node const& n) { return n.kind == Node::Kind::scalar; };
  if (m.value.kind != Node::Kind::sequence || !std::ranges::all_of(m.value.items, is_text))
    return at.error(m.line, fmt::format("'{}' must be a list of strings", m.key));
  std::vector<std::string> out;
  for (auto const& item : m.value.items) out.push_back(item.text);
  return out;
}

Result<Grant> read_grant(Node const& node, Place at) {
  if (node.kind != Node::Kind::map) return at.error(node.line, "'Allow' must be a list of objects");
  Grant grant;
  for (auto const& member : node.members) {
    if (member.key != "Functions" && member.key != "Actions") {
      return at.error(
          member.line,
          fmt::format("unknown key '{}' in 'Allow'; the keys are: Functions, Actions", member.key));
    }
    auto patterns = read_patterns(member, at);
    if (!patterns) return patterns.error();
    (member.key == "Functions" ? grant.functions : grant.actions) = std::move(*patterns);
  }
  if (grant.functions.empty() || grant.actions.empty())
    return at.error(node.line, "each of 'Allow' must have Functions and Actions");
  return grant;
}

Result<void> read_allow(Principal& p, Node::Member const& m, Place at) {
  if (m.value.kind != Node::Kind::sequence)
    return at.error(m.line, "'Allow' must be a list of objects");
  for (auto const& item : m.value.items) {
    auto grant = read_grant(item, at);
    if (!grant) return grant.error();
    p.allow.push_back(std::move(*grant));
  }
  return {};
}

std::vector<std::pair<std::string_view, Set>> keys() {
  using P = Principal;
  return {
      {"Name", text(&P::name)},
      {"Account", text(&P::account)},
      {"AccessKeyId", text(&P::access_key_id)},
      {"SecretAccessKey", text(&P::secret_access_key)},
      {"ApiKeySha256", text(&P::api_key_sha256)},
      {"CertificateSha256", text(&P::certificate_sha256)},
      {"Uid", read_uid},
      {"Allow", read_allow},
  };
}

std::string key_list() {
  std::string out;
  for (auto const& [key, set] : keys()) out += (out.empty() ? "" : ", ") + std::string(key);
  return out;
}

Result<Principal> read_principal(Node const& node, Place at) {
  if (node.kind != Node::Kind::map)
    return at.error(node.line, "'Principals' must be a list of objects");
  Principal p;
  auto const table = keys();
  for (auto const& member : node.members) {
    auto const known =
        std::ranges::find(table, member.key, [](auto const& entry) { return entry.first; });
    if (known == table.end()) {
      return at.error(member.line,
                      fmt::format("unknown key '{}'; the keys are: {}", member.key, key_list()));
    }
    if (auto r = known->second(p, member, at); !r) return r.error();
  }
  return p;
}

// The list of Principals, the only key.
Result<Node const*> principals_of(Node const& file, Place at) {
  if (file.kind != Node::Kind::map) return at.error(1, "the file must hold one object");
  for (auto const& member : file.members) {
    if (member.key == "Principals") continue;
    return at.error(member.line,
                    fmt::format("unknown key '{}'; the only key is: Principals", member.key));
  }
  auto const* list = file.find("Principals");
  if (list == nullptr || list->kind != Node::Kind::sequence)
    return at.error(1, "'Principals' must be there and a list of objects");
  return list;
}

// The first principal that check_access has something against, or that is like one before it.
std::size_t index_of_fault(Access access) {
  do {
    access.principals.pop_back();
  } while (!check_access(access));
  return access.principals.size();
}

class File {
 public:
  explicit File(std::string const& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(File const&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

Error unreadable(std::string const& path, int error) {
  auto const code = error == ENOENT ? Errc::not_found : error == EACCES ? Errc::denied : Errc::io;
  return {code, fmt::format("The access file {} cannot be read: {}", path, std::strerror(error)),
          "", "access"};
}

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> out;
  for (;;) {
    auto const comma = list.find(',');
    out.emplace_back(list.substr(0, comma));
    if (comma == std::string_view::npos) return out;
    list.remove_prefix(comma + 1);
  }
}

std::string random_hex(std::size_t count) {
  std::array<std::byte, 32> bytes{};
  FAAS_CHECK(count <= bytes.size());
  FAAS_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) ==
             1);
  return to_hex(std::span(bytes).first(count));
}

std::string sha256_hex(std::string_view text) {
  std::array<std::byte, 32> sum{};
  FAAS_CHECK(EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(sum.data()),
                        nullptr, EVP_sha256(), nullptr) == 1);
  return to_hex(sum);
}

json::array as_json(std::vector<std::string> const& texts) {
  json::array out;
  for (auto const& one : texts) out.emplace_back(one);
  return out;
}

std::string entry_of(Principal const& p) {
  json::object out{{"Name", p.name}, {"Account", p.account}};
  if (!p.access_key_id.empty()) out["AccessKeyId"] = p.access_key_id;
  if (!p.secret_access_key.empty()) out["SecretAccessKey"] = p.secret_access_key;
  if (!p.api_key_sha256.empty()) out["ApiKeySha256"] = p.api_key_sha256;
  json::array allow;
  for (auto const& grant : p.allow) {
    allow.push_back(
        json::object{{"Functions", as_json(grant.functions)}, {"Actions", as_json(grant.actions)}});
  }
  out["Allow"] = std::move(allow);
  return json::serialize(out);
}

}  // namespace

Result<Access> read_access(std::string_view text, std::string_view origin) {
  Place const at{origin};
  auto const file = control::read_document(text, origin);
  if (!file) return Error{Errc::invalid_argument, file.error().message, "", "access"};
  auto const list = principals_of(*file, at);
  if (!list) return list.error();
  Access access;
  for (auto const& item : (*list)->items) {
    auto principal = read_principal(item, at);
    if (!principal) return principal.error();
    access.principals.push_back(std::move(*principal));
  }
  if (auto r = check_access(access); !r)
    return at.error((*list)->items[index_of_fault(std::move(access))].line, r.error().message);
  return access;
}

Result<Access> read_access_file(std::string const& path) {
  File const file(path);
  struct stat info {};
  if (file.fd() < 0 || ::fstat(file.fd(), &info) != 0) return unreadable(path, errno);
  if ((info.st_mode & 077) != 0) {
    return Error{Errc::denied,
                 fmt::format("The access file {} holds secrets, but others than its owner may read "
                             "or change it (mode {:04o}). Type: chmod 600 {}",
                             path, info.st_mode & 07777, path),
                 "AccessFileOpen", "access"};
  }
  std::string text;
  std::array<char, 65'536> piece;
  for (;;) {
    auto const count = ::read(file.fd(), piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return unreadable(path, errno);
    if (count == 0) return read_access(text, path);
    text.append(piece.data(), static_cast<std::size_t>(count));
    if (text.size() > kFileLimit) return unreadable(path, EFBIG);
  }
}

Result<Grant> parse_grant(std::string_view text) {
  constexpr std::string_view kOn = " on ";
  auto const on = text.find(kOn);
  if (on == std::string_view::npos) {
    return Error{Errc::invalid_argument,
                 fmt::format("'{}' is no grant; write 'ACTIONS on FUNCTIONS', e.g. "
                             "'lambda:InvokeFunction,lambda:Get* on img-*,resize'",
                             text),
                 "", "usage"};
  }
  return Grant{split(text.substr(on + kOn.size())), split(text.substr(0, on))};
}

Result<NewKey> new_key(Principal p, KeyKind kind) {
  NewKey made;
  if (kind == KeyKind::api_key) {
    made.for_client = "faas_" + random_hex(32);
    p.api_key_sha256 = sha256_hex(made.for_client);
  } else {
    p.access_key_id = "FAAS" + random_hex(8);
    p.secret_access_key = random_hex(32);
    made.for_client = fmt::format("AWS_ACCESS_KEY_ID={}\nAWS_SECRET_ACCESS_KEY={}", p.access_key_id,
                                  p.secret_access_key);
  }
  if (auto r = check_access({{p}}); !r)
    return Error{Errc::invalid_argument, r.error().message, "", "usage"};
  made.entry = entry_of(p);
  return made;
}

}  // namespace faas::inline v0
