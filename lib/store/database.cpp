#include "store/database.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "sys/durable.hpp"
#include "sys/fd.hpp"
#include "sys/random.hpp"

namespace faas::inline v0::store {
namespace {

using Migrations = std::span<std::string_view const>;

constexpr int kApplicationId = 0x66616173;  // "faas", in the file's header

Error corrupt(std::string const& path, std::string_view what) {
  return {Errc::corrupt,
          fmt::format("database {} {}: restore it from a backup, or move it away to start empty",
                      path, what),
          "StateCorrupt", "store"};
}

// Nothing if it does not exist. Never opened here: closing a second descriptor of the file would
// drop the POSIX locks that SQLite holds on it in this process.
std::optional<std::uint64_t> size_of_file(std::string const& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(info.st_size);
}

Result<void> own(Connection& connection) {
  // Before the first read, so that the index of the log stays in our memory and no second process
  // enters.
  if (auto r = connection.run("PRAGMA locking_mode = EXCLUSIVE"); !r) return r;
  // Temporary files would be put where the environment says.
  if (auto r = connection.run("PRAGMA temp_store = MEMORY"); !r) return r;
  if (auto r = connection.run("PRAGMA synchronous = FULL"); !r) return r;
  return connection.run("PRAGMA journal_size_limit = 16777216");
}

Result<long> number(Connection& connection, std::string const& sql) {
  auto text = connection.ask(sql);
  if (!text) return text.error();
  return std::stol("0" + *text);
}

Result<void> migrate(Connection& connection, Migrations migrations) {
  auto version = number(connection, "PRAGMA user_version");
  if (!version) return version.error();
  for (auto i = static_cast<std::size_t>(*version); i < migrations.size(); ++i) {
    auto step =
        fmt::format("BEGIN IMMEDIATE; {}; PRAGMA user_version = {}; COMMIT", migrations[i], i + 1);
    if (auto r = connection.run(step); !r) return r;
  }
  return {};
}

Result<void> check_version(Connection& connection, std::string const& path, Migrations migrations) {
  auto application = number(connection, "PRAGMA application_id");
  if (!application) return application.error();
  if (*application != kApplicationId) {
    return corrupt(path, "belongs to another program");
  }
  auto version = number(connection, "PRAGMA user_version");
  if (!version) return version.error();
  if (*version <= static_cast<long>(migrations.size())) return {};
  return Error{
      Errc::unsupported,
      fmt::format("database {} is of version {}, this program knows versions up to {}: use the "
                  "newer program, or a backup from before it ran",
                  path, *version, migrations.size()),
      "StateTooNew", "store"};
}

Result<void> quick_check(Connection& connection, std::string const& path) {
  auto answer = connection.ask("PRAGMA quick_check(1)");
  if (!answer) return answer.error();
  if (*answer != "ok") return corrupt(path, fmt::format("is damaged ({})", *answer));
  return {};
}

// After a clean close. SQLite itself finds whole pages missing, but takes the lost part of a page
// as zeros.
Result<void> check_whole(Connection& connection, std::string const& path) {
  auto page = number(connection, "PRAGMA page_size");
  if (!page) return page.error();
  auto const size = size_of_file(path).value_or(0);
  if (size % static_cast<std::uint64_t>(*page) == 0) return {};
  return corrupt(path, fmt::format("is cut short ({} bytes, in pages of {})", size, *page));
}

Result<void> write_ahead_log(Connection& connection, std::string const& path) {
  auto mode = connection.ask("PRAGMA journal_mode = WAL");
  if (!mode) return mode.error();
  if (*mode == "wal") return {};
  return Error{
      Errc::unsupported,
      fmt::format("database {}: this file system carries no write-ahead log (journal mode {}): "
                  "put the state directory on a local disk",
                  path, *mode),
      "", "store"};
}

Result<void> fill(std::string const& path, Migrations migrations) {
  // 0600: environments of functions hold secrets.
  sys::Fd file(::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
  if (!file) return sys::errno_error("create " + path, errno);
  file.reset();
  auto connection = Connection::open(path);
  if (!connection) return connection.error();
  if (auto r = own(**connection); !r) return r;
  if (auto r = write_ahead_log(**connection, path); !r) return r;
  if (auto r = (*connection)->run(fmt::format("PRAGMA application_id = {}", kApplicationId)); !r) {
    return r;
  }
  if (auto r = migrate(**connection, migrations); !r) return r;
  return (*connection)->checkpoint();
}

// Under another name until it is complete, so that an empty file under the real one is always
// damage. Two creators: one wins, the other meets its lock.
Result<void> create(std::string const& path, Migrations migrations) {
  if (size_of_file(path + "-wal").value_or(0) > 0) {
    return corrupt(path, "is missing, but its write-ahead log is there");
  }
  auto const draft = path + "." + sys::random_uuid();
  auto result = fill(draft, migrations);
  if (result) result = sys::publish(draft, path);
  if (!result) {
    ::unlink(draft.c_str());
    ::unlink((draft + "-wal").c_str());
  }
  if (!result && result.error().code == Errc::conflict) return {};
  return result;
}

Result<std::unique_ptr<Connection>> open_file(std::string const& path, Migrations migrations) {
  if (!size_of_file(path)) {
    if (auto r = create(path, migrations); !r) return r.error();
  }
  if (size_of_file(path).value_or(0) == 0) return corrupt(path, "is empty");
  // A clean close leaves no log behind.
  bool const unclean = size_of_file(path + "-wal").value_or(0) > 0;
  auto opened = Connection::open(path);
  if (!opened) return opened;
  auto& connection = **opened;
  if (auto r = own(connection); !r) return r.error();
  if (auto r = check_version(connection, path, migrations); !r) return r.error();
  if (auto r = write_ahead_log(connection, path); !r) return r.error();
  if (auto r = unclean ? quick_check(connection, path) : check_whole(connection, path); !r) {
    return r.error();
  }
  if (auto r = migrate(connection, migrations); !r) return r.error();
  return opened;
}

}  // namespace

Result<std::unique_ptr<Connection>> open_database(std::string const& path, Migrations migrations) {
  if (!path.empty()) return open_file(path, migrations);
  auto connection = Connection::open("");
  if (!connection) return connection;
  if (auto r = own(**connection); !r) return r.error();
  if (auto r = migrate(**connection, migrations); !r) return r.error();
  return connection;
}

}  // namespace faas::inline v0::store
