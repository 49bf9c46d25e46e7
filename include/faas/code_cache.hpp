// Packages in, read-only trees out: content-addressed and checked. Usable alone; blocking calls,
// any thread.
#pragma once

#include <cstddef>
#include <faas/error.hpp>
#include <faas/function.hpp>
#include <faas/units.hpp>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace faas::inline v0 {

// Where uploaded bytes come from. The cache never dials.
class BlobSource {
 public:
  virtual ~BlobSource() = default;
  // Fills a front part of `buffer`; 0 at the end of the bytes. Blocks.
  virtual Result<std::size_t> read(std::span<std::byte> buffer) = 0;
};
// Bytes that the caller keeps alive.
class MemoryBlob final : public BlobSource {
 public:
  explicit MemoryBlob(std::span<std::byte const> bytes) : rest_(bytes) {}
  Result<std::size_t> read(std::span<std::byte> buffer) override;

 private:
  std::span<std::byte const> rest_;
};

// Lambda's limits, enforced while reading, never by trusting a header.
struct PackageLimits {
  Bytes upload = 52'428'800_B;     // of the uploaded bytes
  Bytes unpacked = 262'144'000_B;  // of all files together
  std::uint32_t entries = 50'000;
};

struct Package {
  Digest digest;            // of the normalised tree
  std::string code_sha256;  // base64 SHA-256 of the uploaded bytes
  Bytes size;               // of the uploaded bytes
  Bytes unpacked;
};

// A materialised tree, kept from eviction while the handle lives. Copyable, cheap.
class Tree {
 public:
  Tree() = default;
  // absolute; directories 0755, files 0644 or 0755; read-only by contract
  std::filesystem::path const& path() const;
  // A directory of the caller's own, which outlives the handle and is not checked: for functions
  // run from their source. Errors: invalid_argument (not an absolute path of a directory).
  static Result<Tree> borrow(std::filesystem::path directory);
  bool was_cached() const;  // no unpacking was needed for this pin
  // Without blocking, by the metadata of its files. False: some of it was written since it was
  // verified, or it has more than 64 files and directories; pin it again before it is used. True
  // of a borrowed one.
  bool untouched() const;
  explicit operator bool() const { return pin_ != nullptr; }

 private:
  friend class CodeCache;
  struct Pin;
  std::shared_ptr<Pin const> pin_;
};

struct CodeCacheOptions {
  std::filesystem::path directory;  // made if missing; empty: a private one, removed with the cache
  PackageLimits limits;
};

// Thread-safe. Every refusal of a package leaves nothing on disk.
class CodeCache {
 public:
  // Removes temporaries that an earlier process left. Errors: io, conflict (another process owns
  // the directory).
  static Result<CodeCache> open(CodeCacheOptions);
  ~CodeCache();
  CodeCache(CodeCache&&) noexcept;
  CodeCache& operator=(CodeCache&&) noexcept;

  // A zip. Durable when it returns: temporary, fsync, rename, fsync of the directory.
  // Errors (reason): invalid_argument (InvalidZipFileException: no zip, an entry that leaves the
  // tree, a link, a device, duplicate names, damaged), too_large (RequestEntityTooLargeException
  // for the upload, InvalidParameterValueException for the unpacked size or entries; names the
  // limit), io.
  Result<Package> store(BlobSource&);
  // A zip file, or a directory (packed first, see pack; its upload is that zip).
  Result<Package> store(std::filesystem::path const&);

  // What is known of a stored package. Errors: not_found.
  Result<Package> find(Digest const&) const;

  // Unpacks if needed; many at once unpack once. The upload is checked against its sum before a
  // byte of it is unpacked. A tree is read and checked at its first pin, and again when the file
  // system tells that something of it was written since; one that is not what was stored is set
  // aside and unpacked anew. Errors: not_found, corrupt (set aside), io.
  Result<Tree> pin(Digest const&);

  // Several packages as one tree, in this order: directories become one, and a later package's file
  // takes the place of an earlier one's (of a directory and all in it, too, and a directory that of
  // a file). Built once for the same packages in the same order, checked and sealed as any tree;
  // gone with the cache, or when eight others were let go after it. At least one package. Errors:
  // as pin of each; invalid_argument.
  Result<Tree> pin(std::span<Digest const>);

  // The uploaded bytes, as they came. Errors: not_found.
  Result<std::filesystem::path> upload(Digest const&) const;

  // Forgets a package. Pinned trees stay until their last handle goes. Not an error if unknown.
  Result<void> remove(Digest const&);
  std::vector<Package> list() const;

 private:
  struct Impl;
  explicit CodeCache(std::unique_ptr<Impl>);
  std::unique_ptr<Impl> impl_;
};

// A directory as a zip that depends only on names, bytes and the execute bit. Symbolic links and
// special files are refused. The bytes are what `faasd deploy` uploads.
Result<std::string> pack(std::filesystem::path const& directory, PackageLimits const& = {});

// Package::code_sha256 of such bytes.
std::string code_sha256(std::string_view upload);

}  // namespace faas::inline v0
