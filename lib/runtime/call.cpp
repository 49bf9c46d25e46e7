#include "runtime/call.hpp"

#include "base/text.hpp"
#include "runtime/lane.hpp"

namespace faas::inline v0::runtime {

void Call::on_head(ResponseHead const& head) {
  outcome.timing.first_byte = std::chrono::steady_clock::now() - dispatched;
  outcome.content_type = head.content_type;
  if (!stream || answered_) return;
  auto with_start = head;
  with_start.request_id = input.request_id;
  with_start.version = outcome.version;
  with_start.start = outcome.start;
  stream->head(std::move(with_start));
}

bool Call::on_chunk(std::string_view bytes) {
  if (answered_) return true;
  if (stream) return stream->put(bytes);
  outcome.payload += bytes;
  return true;
}

void Call::on_end(Ending ending) { lane->finish(*this, std::move(ending)); }

void Call::answer(Outcome result) {
  if (answered_) return;
  answered_ = true;
  if (stream) {
    stream->end(std::move(result));
  } else if (lane != nullptr) {
    lane->answer(std::move(done), std::move(result));
  } else {
    done(std::move(result));
  }
}

void Call::answer(Error error) {
  if (answered_) return;
  answered_ = true;
  if (stream) {
    stream->fail(std::move(error));
  } else {
    done(std::move(error));
  }
}

}  // namespace faas::inline v0::runtime
