// Our own paths below /faas/v1.
#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <limits>

#include "base/text.hpp"
#include "http/api.hpp"
#include "http/blobs.hpp"
#include "http/json.hpp"

namespace faas::inline v0::http {
namespace {

constexpr std::size_t kFilePiece = 256 * 1024;
constexpr auto kFollowSlice = std::chrono::seconds(2);  // how soon a follower that left is noticed

Response not_found(std::string message) {
  return render_error(Error{Errc::not_found, std::move(message), "", "http"});
}

bool is_digest(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

ChunkSource file_chunks(std::shared_ptr<std::ifstream> file) {
  return [file = std::move(file)]() -> asio::awaitable<std::optional<std::string>> {
    std::string piece(kFilePiece, '\0');
    file->read(piece.data(), static_cast<std::streamsize>(piece.size()));
    piece.resize(static_cast<std::size_t>(file->gcount()));
    if (piece.empty()) co_return std::nullopt;
    co_return piece;
  };
}

struct LogReading {
  Runtime runtime;
  FunctionName name;
  std::uint64_t position;
  std::optional<std::uint64_t> end;  // none: goes on until the function is removed
  std::string first;                 // what was there when the request came
};

// Page after page. A server that closes waits for those who read to an end, not for followers.
asio::awaitable<std::optional<std::string>> next_log_text(Context& c,
                                                          std::shared_ptr<LogReading> log) {
  if (!log->first.empty()) co_return std::exchange(log->first, {});
  if (log->end ? log->position >= *log->end : c.closing.load()) co_return std::nullopt;
  auto const patience = log->end ? Duration::zero() : Duration(kFollowSlice);
  auto page = co_await log->runtime.logs(log->name, log->position, 0, patience);
  if (!page || (log->end && page->text.empty())) co_return std::nullopt;
  log->position = page->next;
  co_return std::move(page->text);
}

// Zero if it is not there, nothing if it is no number.
std::optional<std::uint64_t> number(Target const& target, std::string_view name) {
  auto const text = target.parameter(name);
  if (!text) return 0;
  std::uint64_t value = 0;
  auto const [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
  return value;
}

Response no_number() {
  return render_error(Error{Errc::invalid_argument,
                            "tail and position are whole numbers of bytes, e.g. ?tail=4096", "",
                            "http"});
}

}  // namespace

asio::awaitable<Response> put_package(Context& c, Request request) {
  std::shared_ptr<BlobSource> blob = std::make_shared<StringBlob>(std::move(request.body));
  auto const stored = co_await c.runtime.store(std::move(blob));
  if (!stored) co_return render_error(stored.error());
  json::object out{{"Digest", stored->digest.hex},
                   {"CodeSha256", stored->code_sha256},
                   {"Size", stored->size.count}};
  co_return json_response(201, json::serialize(out));
}

Response get_package(Context& c, std::string const& digest) {
  if (!is_digest(digest)) return not_found("A package is named by 64 hexadecimal digits.");
  auto const path = c.runtime.package_upload(Digest{digest});
  if (!path) return render_error(path.error());
  auto file = std::make_shared<std::ifstream>(*path, std::ios::binary | std::ios::ate);
  if (!*file)
    return render_error(Error{Errc::io, "The stored upload could not be opened.", "", "http"});
  Response response;
  response.length = static_cast<std::uint64_t>(file->tellg());
  file->seekg(0);
  response.with("Content-Type", "application/zip");
  response.chunks = file_chunks(std::move(file));
  return response;
}

asio::awaitable<Response> follow_logs(Context& c, Request request, std::string name) {
  if (!valid_function_name(name)) co_return not_found("No function has such a name.");
  constexpr auto kBeyond = std::numeric_limits<std::uint64_t>::max();
  bool const follow = request.target.parameter("follow") == "1";
  auto const tail = number(request.target, "tail");
  auto const from = number(request.target, "position");
  if (!tail || !from) co_return no_number();
  FunctionName const function(std::string(request.identity.account), name);
  auto log = std::make_shared<LogReading>(LogReading{c.runtime, function, 0, std::nullopt, {}});
  auto page = co_await log->runtime.logs(log->name, *from, *tail, Duration::zero());
  if (!page) co_return render_error(page.error());
  auto const end = co_await log->runtime.logs(log->name, kBeyond, 0, Duration::zero());
  if (!end) co_return render_error(end.error());
  log->position = page->next;
  log->first = std::move(page->text);
  if (!follow) log->end = end->next;
  auto response = text_response(200, "");
  response.with("X-Faas-Log-Position", std::to_string(follow ? log->position : end->next));
  response.endless = follow;
  response.chunks = [&c, log] { return next_log_text(c, log); };
  co_return response;
}

json::object in_milliseconds(std::vector<Stage> const& stages) {
  json::object out;
  for (auto const& stage : stages)
    out[stage.name] = std::chrono::duration<double, std::milli>(stage.took).count();
  return out;
}

asio::awaitable<Response> list_instances(Context& c, Request request) {
  auto const all = co_await c.runtime.instances();
  json::array out;
  for (auto const& i : all) {
    if (!request.identity.may_act_in(i.function.account)) continue;
    json::object one{{"Instance", static_cast<std::uint64_t>(i.instance)},
                     {"Account", i.function.account},
                     {"Function", i.function.name},
                     {"Revision", static_cast<std::uint64_t>(i.revision)},
                     {"Phase", i.phase},
                     {"Started", lambda_time(i.started)},
                     {"MaxMemory", i.max_memory.count},
                     {"Calls", i.calls},
                     {"Start", std::string(to_string(i.level))},
                     {"StagesMs", in_milliseconds(stages(i.start))}};
    out.push_back(std::move(one));
  }
  co_return json_response(200, json::serialize(json::object{{"Instances", std::move(out)}}));
}

Response get_limits(Context& c, Request const& request, std::string const& name) {
  auto const ref = find_ref(c, request.identity, name, request.target.parameter("Qualifier"));
  if (!ref) return not_found("No function has such a name.");
  auto const limits = c.runtime.limits(ref->name, ref->qualifier);
  if (!limits) return render_error(limits.error());
  json::array out;
  for (auto const& limit : *limits) {
    out.push_back(json::object{{"Name", limit.name},
                               {"Value", limit.value ? json::value(*limit.value) : json::value()},
                               {"Used", limit.used},
                               {"Unit", limit.unit},
                               {"Source", limit.source}});
  }
  return json_response(200, json::serialize(json::object{{"FunctionName", ref->name.name},
                                                         {"Limits", std::move(out)}}));
}

asio::awaitable<Response> get_status(Context& c) {
  auto const status = co_await c.runtime.status();
  auto const& s = status.scheduler;
  json::object out{{"RuntimeId", status.runtime_id},
                   {"Ready", c.ready.load() && !status.draining},
                   {"Draining", status.draining},
                   {"Degraded", status.degraded},
                   {"SecretsKeyId", status.secrets_key_id},
                   {"Privilege", std::string(to_string(status.privilege))},
                   {"Functions", status.functions},
                   {"CallsRunning", s.calls_running},
                   {"CallsWaiting", s.calls_waiting},
                   {"Instances", s.instances},
                   {"InstancesIdle", s.idle},
                   {"InstancesStarting", s.starting},
                   {"MemoryReserved", s.memory_reserved.count}};
  co_return json_response(200, json::serialize(out));
}

asio::awaitable<Response> metrics(Context& c) {
  if (c.options.metrics == nullptr) co_return not_found("This server was opened without metrics.");
  auto const status = co_await c.runtime.status();
  auto response = text_response(200, c.options.metrics->text(status));
  response.headers.front().value = "text/plain; version=0.0.4; charset=utf-8";
  co_return response;
}

}  // namespace faas::inline v0::http
