#include "sys/durable_at.hpp"

#include <array>
#include <vector>

#include "synced.hpp"
#include "sys/directory.hpp"
#include "words.hpp"

using namespace faas;
using namespace faas::test;
using Names = std::vector<std::string>;

namespace {

// Where files are written, and where they get their names.
struct Shelf {
  TempDir dir;
  sys::Fd root = open_directory(dir.path());
  sys::Fd drafts = sys::make_directory(root.get(), "drafts", 0755).value();
  sys::Fd files = sys::make_directory(root.get(), "files", 0755).value();

  Result<void> write(std::string_view bytes, std::string const& name = "x") const {
    return sys::write_durably(drafts.get(), "draft", files.get(), name, bytes);
  }
  std::string read() const { return content(dir / "files/x"); }
  Names in_drafts() const { return sys::list_names(drafts.get()).value(); }
};

}  // namespace

TEST_CASE("a name shows the old bytes whole until it shows the new ones whole") {
  Shelf const shelf;
  REQUIRE(shelf.write("old").has_value());
  auto const reader = sys::open_file(shelf.dir / "files/x", O_RDONLY).value();
  REQUIRE(shelf.write("new and longer").has_value());
  CHECK(shelf.read() == "new and longer");
  CHECK(shelf.in_drafts().empty());
  std::array<std::byte, 32> buffer{};
  CHECK(sys::read_at(reader.get(), 0, buffer).value() == 3);  // who reads the old file goes on
}

TEST_CASE("the bytes are on the disk before the name is, and the name before success") {
  Shelf const shelf;
  REQUIRE(shelf.write("old").has_value());
  Names order;
  {
    SyncWatch const watch([&](auto& path) {
      order.push_back(path.substr(shelf.dir.path().size() + 1) + ": " + shelf.read());
    });
    REQUIRE(shelf.write("new").has_value());
  }
  CHECK(order == Names{"drafts/draft: old", "files: new"});
}

TEST_CASE("a write that finds no room leaves the old file whole and no draft") {
  Shelf const shelf;
  REQUIRE(shelf.write("old").has_value());
  auto const written = [&] {
    FileSizeLimit const limit(10);
    return shelf.write("more than ten bytes");
  }();
  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().code == Errc::io);
  CHECK(shelf.read() == "old");
  CHECK(shelf.in_drafts().empty());
}

TEST_CASE("a name that cannot be taken leaves no draft") {
  Shelf const shelf;
  std::filesystem::create_directory(shelf.dir / "files/x");
  auto const written = shelf.write("bytes");
  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().message.starts_with("rename draft to x: "));
  CHECK(std::filesystem::is_directory(shelf.dir / "files/x"));
  CHECK(shelf.in_drafts().empty());
  CHECK(shelf.write("bytes", "no/such").error().code == Errc::not_found);
  CHECK(shelf.in_drafts().empty());
}

TEST_CASE("a draft is never written through a link or into a file that was there") {
  Shelf const shelf;
  shelf.dir.write("victim", "untouched");
  std::filesystem::create_symlink(shelf.dir / "victim", shelf.dir / "drafts/draft");
  CHECK(shelf.write("bytes").error().code == Errc::conflict);
  CHECK(content(shelf.dir / "victim") == "untouched");
  CHECK_FALSE(exists(shelf.dir / "files/x"));
}

TEST_CASE("a durable rename replaces, and syncs the directory that received the name") {
  Shelf const shelf;
  shelf.dir.write("drafts/a", "new");
  shelf.dir.write("files/b", "old");
  Names synced;
  SyncWatch const watch([&](auto& path) { synced.push_back(path); });
  REQUIRE(sys::rename_durably(shelf.drafts.get(), "a", shelf.files.get(), "b").has_value());
  CHECK(content(shelf.dir / "files/b") == "new");
  CHECK(synced == Names{shelf.dir / "files"});
  auto const missing = sys::rename_durably(shelf.drafts.get(), "a", shelf.files.get(), "b");
  CHECK(missing.error().code == Errc::not_found);
  CHECK(content(shelf.dir / "files/b") == "new");
}

TEST_CASE("a durable removal syncs the directory, also of a name that is missing already") {
  Shelf const shelf;
  shelf.dir.write("files/a", "");
  Names synced;
  SyncWatch const watch([&](auto& path) { synced.push_back(path); });
  REQUIRE(sys::unlink_durably(shelf.files.get(), "a").has_value());
  CHECK_FALSE(exists(shelf.dir / "files/a"));
  REQUIRE(sys::unlink_durably(shelf.files.get(), "a").has_value());
  CHECK(synced == Names{shelf.dir / "files", shelf.dir / "files"});
  CHECK(sys::unlink_durably(shelf.root.get(), "files").error().message.starts_with("unlink files"));
}
