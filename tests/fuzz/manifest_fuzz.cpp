// A file of functions is refused with a line, or read; what was read can be written and is then
// read as the same. JSON, YAML and templates alike, within a second of any megabyte.
// DEPS: control
#include <cstdint>
#include <faas/manifest.hpp>
#include <string_view>

#include "base/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  auto const manifest = faas::read_manifest(text, "f.yaml");
  if (!manifest) {
    FAAS_CHECK(manifest.error().layer == "manifest");
    FAAS_CHECK(manifest.error().message.starts_with("f.yaml:"));
    return 0;
  }
  auto const written = faas::write_manifest(*manifest, faas::ManifestForm::yaml);
  auto const again = faas::read_manifest(written, "f.yaml");
  FAAS_CHECK(again.has_value());
  FAAS_CHECK(faas::write_manifest(*again, faas::ManifestForm::yaml) == written);
  return 0;
}
