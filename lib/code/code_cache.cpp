#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/check.hpp"
#include "code/errors.hpp"
#include "code/shelf.hpp"
#include "sys/file.hpp"

namespace faas::inline v0 {
namespace {

class FileBlob final : public BlobSource {
 public:
  explicit FileBlob(int fd) : fd_(fd) {}
  Result<std::size_t> read(std::span<std::byte> buffer) override {
    return sys::read_some(fd_, buffer);
  }

 private:
  int fd_;
};

Result<sys::Fd> open_zip(std::string const& path, struct stat const& status, Bytes limit) {
  if (!S_ISREG(status.st_mode)) {
    return Error{Errc::invalid_argument, path + " is neither a file nor a directory", {}, "code"};
  }
  auto const size = static_cast<std::uint64_t>(status.st_size);
  if (size > limit.count) {
    return code::upload_too_large(limit, fmt::format("{} has {}.", path, size));
  }
  return sys::open_file(path, O_RDONLY | O_NONBLOCK);
}

}  // namespace

Result<std::size_t> MemoryBlob::read(std::span<std::byte> buffer) {
  auto const n = std::min(buffer.size(), rest_.size());
  std::copy_n(rest_.begin(), n, buffer.begin());
  rest_ = rest_.subspan(n);
  return n;
}

struct Tree::Pin {
  std::shared_ptr<code::Shelf> shelf;
  Digest digest;
  std::filesystem::path path;
  bool was_cached;

  Pin(std::shared_ptr<code::Shelf> s, Digest d, bool cached)
      : shelf(std::move(s)),
        digest(std::move(d)),
        path(shelf->tree_path(digest)),
        was_cached(cached) {}
  // Borrowed: nothing to unpin.
  explicit Pin(std::filesystem::path p) : path(std::move(p)), was_cached(true) {}
  Pin(Pin const&) = delete;
  Pin& operator=(Pin const&) = delete;
  ~Pin() {
    if (shelf) shelf->unpin(digest);
  }
};

std::filesystem::path const& Tree::path() const {
  FAAS_CHECK(pin_ != nullptr);
  return pin_->path;
}

Result<Tree> Tree::borrow(std::filesystem::path directory) {
  std::error_code ec;
  if (!directory.is_absolute() || !std::filesystem::is_directory(directory, ec)) {
    return Error{Errc::invalid_argument,
                 directory.string() + " is not the absolute path of a directory",
                 {},
                 "code"};
  }
  Tree tree;
  tree.pin_ = std::make_shared<Pin const>(std::move(directory));
  return tree;
}
bool Tree::was_cached() const { return pin_ != nullptr && pin_->was_cached; }

bool Tree::untouched() const {
  if (pin_ == nullptr) return false;
  return pin_->shelf == nullptr || pin_->shelf->untouched(pin_->digest);
}

struct CodeCache::Impl {
  std::shared_ptr<code::Shelf> shelf;
};

CodeCache::CodeCache(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CodeCache::~CodeCache() = default;
CodeCache::CodeCache(CodeCache&&) noexcept = default;
CodeCache& CodeCache::operator=(CodeCache&&) noexcept = default;

Result<CodeCache> CodeCache::open(CodeCacheOptions options) {
  auto disk = code::in_layer(code::Disk::open(options.directory));
  if (!disk) return disk.error();
  auto found = code::in_layer((*disk)->load());
  if (!found) return found.error();
  auto shelf = std::make_shared<code::Shelf>(std::move(*disk), options.limits, *found);
  return CodeCache(std::make_unique<Impl>(Impl{std::move(shelf)}));
}

Result<Package> CodeCache::store(BlobSource& source) {
  return code::in_layer(impl_->shelf->store(source));
}

Result<Package> CodeCache::store(std::filesystem::path const& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return code::in_layer(Result<Package>(sys::errno_error("stat " + path.string(), errno)));
  }
  if (S_ISDIR(status.st_mode)) {
    auto zip = pack(path, impl_->shelf->limits());
    if (!zip) return zip.error();
    MemoryBlob blob(sys::bytes_of(*zip));
    return store(blob);
  }
  auto file = code::in_layer(open_zip(path.string(), status, impl_->shelf->limits().upload));
  if (!file) return file.error();
  FileBlob blob(file->get());
  return store(blob);
}

Result<Package> CodeCache::find(Digest const& digest) const { return impl_->shelf->find(digest); }

Result<Tree> CodeCache::pin(Digest const& digest) {
  auto was_cached = code::in_layer(impl_->shelf->pin(digest));
  if (!was_cached) return was_cached.error();
  Tree tree;
  tree.pin_ = std::make_shared<Tree::Pin const>(impl_->shelf, digest, *was_cached);
  return tree;
}

Result<Tree> CodeCache::pin(std::span<Digest const> layers) {
  auto held = code::in_layer(impl_->shelf->pin(layers));
  if (!held) return held.error();
  Tree tree;
  tree.pin_ = std::make_shared<Tree::Pin const>(impl_->shelf, held->name, held->stood);
  return tree;
}

Result<std::filesystem::path> CodeCache::upload(Digest const& digest) const {
  return impl_->shelf->upload(digest);
}

Result<void> CodeCache::remove(Digest const& digest) {
  return code::in_layer(impl_->shelf->remove(digest));
}

std::vector<Package> CodeCache::list() const { return impl_->shelf->list(); }

}  // namespace faas::inline v0
