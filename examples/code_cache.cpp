// The code cache alone: a directory goes in, a checked read-only tree comes out, named by its
// digest. Run: example_code_cache [DIRECTORY of these examples]
#include <faas/code_cache.hpp>
#include <iostream>

int main(int argc, char** argv) try {
  std::filesystem::path const source = argc > 1 ? argv[1] : "examples";

  // Without a directory of its own the cache lives in a private one and is gone with it.
  auto cache = faas::CodeCache::open({}).value();  // .value() throws what went wrong

  auto const package = cache.store(source).value();
  std::cout << "stored   " << package.digest.hex << "\n         " << package.size.count
            << " bytes packed, " << package.unpacked.count << " unpacked\n";

  // The name depends on the tree alone, so the same content is stored once.
  auto const again = cache.store(source).value();
  std::cout << "again    " << (again.digest == package.digest ? "the same digest" : "another?")
            << "\n";

  // The tree stays as long as the handle does, whatever is removed meanwhile.
  auto tree = cache.pin(package.digest).value();
  cache.remove(package.digest).value();
  auto const copied = std::filesystem::file_size(tree.path() / "code_cache.cpp");
  std::cout << "pinned   " << tree.path().string() << " holds this program, " << copied
            << " bytes\n";

  // What is no package is refused with the reason, and leaves nothing behind.
  faas::MemoryBlob nonsense(std::as_bytes(std::span("this is no zip file at all")));
  auto const refused = cache.store(nonsense);
  std::cout << "refused  " << refused.error().reason << ": " << refused.error().message << "\n";

  bool const as_told = again.digest == package.digest && refused.has_error() &&
                       copied == std::filesystem::file_size(source / "code_cache.cpp");
  return as_told ? 0 : 1;
} catch (std::exception const& e) {
  std::cerr << e.what() << "\n";
  return 1;
}
