// The words of a refusal: which limit, its value, where it was set.
#pragma once

#include <faas/scheduler.hpp>

#include "scheduler/state.hpp"

namespace faas::inline v0::scheduler {

Error refuse_unknown(RevisionId);
Error refuse_draining();
// The function is bigger than the whole host.
Error refuse_impossible(Revision const&, SchedulerOptions const&, Resource);
// Or than what provisioned instances leave of it.
Error refuse_provisioned(Revision const&, SchedulerOptions const&, Resource, Amount const& kept);
// All that it may have are provisioned, for calls without a tenant.
Error refuse_tenant(Revision const&);
Error refuse_reserved(FunctionState const&);
Error refuse_account(AccountState const&, unsigned limit, std::size_t unreserved);
Error refuse_caller_rate(SchedulerOptions const&, Duration wait);
// Too many others are remembered.
Error refuse_caller(SchedulerOptions const&);
Error refuse_deadline(Call const&, TimePoint now);
// Its starts fail, and the next one is not yet.
Error refuse_crash_loop(Revision const&, TimePoint now);
Error refuse_function_queue(Revision const&);
Error refuse_host_queue(SchedulerOptions const&);
// Nothing may wait (`queue` names the option that says so), and this is what it would have waited
// for.
Error refuse_concurrency(Revision const&, std::string const& queue);
Error refuse_scaling(SchedulerOptions const&, Duration wait, std::string const& queue);
Error refuse_pressure(bool has_instance, std::string const& queue);
Error refuse_host(Revision const&, SchedulerOptions const&, Resource, Amount const& used,
                  std::string const& queue);
Error refuse_turn(std::string const& queue);

}  // namespace faas::inline v0::scheduler
