// Uploaded bytes on their way in: streamed to a temporary, summed and counted.
#pragma once

#include <faas/code_cache.hpp>

#include "code/disk.hpp"
#include "code/sha256.hpp"

namespace faas::inline v0::code {

struct Upload {
  Temporary temporary;
  sys::Fd file;  // readable
  Sum sum;
  Bytes size;
};

// Errors: the source's own, too_large (RequestEntityTooLargeException), io.
Result<Upload> receive(BlobSource&, Disk const&, Bytes limit);

// The sum of an open file's bytes.
Result<Sum> sum_of(int fd);

}  // namespace faas::inline v0::code
