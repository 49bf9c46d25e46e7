// Feeds every file of the named folders to a fuzzer once: yesterday's finds are today's regression
// tests.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace {

void feed(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  std::string const bytes{std::istreambuf_iterator<char>(file), {}};
  std::printf("%s (%zu bytes)\n", path.c_str(), bytes.size());
  std::fflush(stdout);  // a crash names its file
  LLVMFuzzerTestOneInput(reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t fed = 0;
  for (int i = 1; i < argc; ++i) {
    for (auto const& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
      if (!entry.is_regular_file()) continue;
      feed(entry.path());
      ++fed;
    }
  }
  // Nothing at all, which no file can hold a name for, and a first byte of every value.
  std::uint8_t byte = 0;
  LLVMFuzzerTestOneInput(&byte, 0);
  for (int value = 0; value < 256; ++value) {
    byte = static_cast<std::uint8_t>(value);
    LLVMFuzzerTestOneInput(&byte, 1);
  }
  std::printf("%zu files\n", fed);
  if (fed == 0) std::printf("no corpus: add seeds\n");
  return fed == 0;
}
