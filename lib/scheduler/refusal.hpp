// The words of a refusal: which limit, its value, where it was set.
#pragma once

#include <faas/scheduler.hpp>

#include "scheduler/state.hpp"

namespace faas::inline v0::scheduler {

Error refuse_unknown(RevisionId);
Error refuse_draining();
// The function is bigger than the whole host.
Error refuse_impossible(Revision const&, SchedulerOptions const&);
Error refuse_deadline(Call const&, TimePoint now);
// Its starts fail, and the next one is not yet.
Error refuse_crash_loop(Revision const&, TimePoint now);
Error refuse_function_queue(Revision const&);
Error refuse_host_queue(SchedulerOptions const&);
// Nothing may wait (`queue` names the option that says so), and this is what it would have waited
// for.
Error refuse_concurrency(Revision const&, std::string const& queue);
Error refuse_host_memory(Revision const&, SchedulerOptions const&, Bytes used,
                         std::string const& queue);
Error refuse_host_instances(SchedulerOptions const&, std::string const& queue);
Error refuse_turn(std::string const& queue);

}  // namespace faas::inline v0::scheduler
