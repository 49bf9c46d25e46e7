// Uploaded bytes as the code cache reads them, on its own thread.
#pragma once

#include <faas/code_cache.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace faas::inline v0::http {

class StringBlob final : public BlobSource {
 public:
  explicit StringBlob(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<std::size_t> read(std::span<std::byte> buffer) override;

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

// Decodes while it is read: fifty megabytes of base64 are not decoded on the server's executor.
class Base64Blob final : public BlobSource {
 public:
  Base64Blob(std::shared_ptr<void const> owner, std::string_view text)
      : owner_(std::move(owner)), rest_(text) {}
  // Errors: invalid_argument (not base64).
  Result<std::size_t> read(std::span<std::byte> buffer) override;

 private:
  std::shared_ptr<void const> owner_;  // of the text
  std::string_view rest_;
  std::string decoded_;
  std::size_t at_ = 0;
};

}  // namespace faas::inline v0::http
