// Reserved concurrency, and what it leaves of an account.
#include <doctest/doctest.h>

#include "scheduler/host.hpp"

using namespace faas;
using namespace faas::scheduler_test;

namespace {
std::string const kAccount(kDefaultAccount);
constexpr char kReserved[] = "ReservedFunctionConcurrentInvocationLimitExceeded";
constexpr char kUnreserved[] = "ConcurrentInvocationLimitExceeded";
}  // namespace

TEST_CASE("a call over the reservation is refused at once, whatever may wait") {
  Host host;
  host.version("f");
  host.reserves("f", 2);
  host.arrives(1), host.arrives(2);
  CHECK(host.arrives(3) == "refuse c3");
  CHECK(host.error().code == Errc::throttled);
  CHECK(host.error().reason == kReserved);
  CHECK(host.error().layer == "queue");
  CHECK(host.error().message ==
        "this function may have 2 calls at once (reserved concurrency of the function), and 2 wait "
        "or run: retry later, or raise it");
  host.cancelled(2);
  CHECK(host.arrives(4) == "");  // the start of the cancelled one is for it
}

TEST_CASE("a call that waits counts for the reservation, one that ends in any way does not") {
  Host host({.max_instances = 1});
  host.version("f");
  host.reserves("f", 2);
  host.arrives(1), host.arrives(2);  // 2 waits for the only place
  CHECK(host.arrives(3) == "refuse c3");
  SUBCASE("finished") { host.ready(1), host.finished(1); }
  SUBCASE("finished badly") { host.ready(1), host.finished_badly(1); }
  SUBCASE("cancelled") { host.cancelled(2); }
  SUBCASE("lost with its instance") { host.ready(1), host.exited(1); }
  SUBCASE("failed with its start") { host.start_failed(1); }
  CHECK(host.of_function("f").calls == 1);
  CHECK(host.arrives(4).find("refuse") == std::string::npos);
  CHECK(host.arrives(5) == "refuse c5");
}

TEST_CASE("a call past its deadline counts no longer") {
  Host host({.max_instances = 1});
  host.version("f");
  host.reserves("f", 1);
  host.arrives_for(5ms, 1);
  CHECK(host.arrives(2) == "refuse c2");
  CHECK(host.after(5ms) == "refuse c1");
  CHECK(host.arrives(3) == "");
  CHECK(host.of_function("f").calls == 1);
}

TEST_CASE("a reservation of 0 stops the function, and says so") {
  Host host;
  host.version("f");
  host.reserves("f", 0);
  CHECK(host.arrives(1) == "refuse c1");
  CHECK(host.error().reason == kReserved);
  CHECK(host.error().message.find("this function is stopped") == 0);
  host.reserves("f", {});
  CHECK(host.arrives(2) == "start i1");
}

TEST_CASE("a reservation is of the function, whichever of its revisions is called") {
  Host host;
  host.version("f"), host.version("f"), host.version("g");
  host.reserves("f", 2);
  CHECK(host.arrives(1, 1) == "start i1");
  CHECK(host.arrives(2, 2) == "start i2");
  CHECK(host.arrives(3, 1) == "refuse c3");
  CHECK(host.arrives(4, 2) == "refuse c4");
  CHECK(host.arrives(5, 3) == "start i3");
  CHECK(host.of_function("f").calls == 2);
  CHECK(host.of_function("f").instances == 2);
}

TEST_CASE("a reservation waits for a function that comes later") {
  Host host;
  host.reserves("f", 1);
  CHECK(host.of_function("f").reserved == 1);
  host.version("f");
  host.arrives(1);
  CHECK(host.arrives(2) == "refuse c2");
}

TEST_CASE("a reservation lowered below what runs refuses new calls until it fits") {
  Host host;
  host.version("f");
  for (unsigned i : {1, 2, 3}) host.arrives(i), host.ready(i);
  host.reserves("f", 2);
  CHECK(host.arrives(4) == "refuse c4");
  host.finished(1);
  CHECK(host.arrives(5) == "refuse c5");
  host.finished(2);
  CHECK(host.arrives(6) == "run c6 on i2 warm");
  CHECK(host.arrives(7) == "refuse c7");
}

TEST_CASE("functions without a reservation share what the others leave of their account") {
  Host host({.account_concurrency = 4});
  host.version("f"), host.version("g"), host.version("h");
  host.reserves("h", 2);
  CHECK(host.arrives(1, 1) == "start i1");
  CHECK(host.arrives(2, 2) == "start i2");
  CHECK(host.arrives(3, 1) == "refuse c3");
  CHECK(host.error().code == Errc::throttled);
  CHECK(host.error().reason == kUnreserved);
  CHECK(host.error().message ==
        "functions of this account without reserved concurrency may have 2 calls at once: 4 "
        "(SchedulerOptions::account_concurrency) less 2 that are reserved and 0 that are "
        "provisioned; 2 wait or run: retry later, or raise it");
  CHECK(host.arrives(4, 3) == "start i3");  // what is reserved is there
  CHECK(host.arrives(5, 3) == "start i4");
  CHECK(host.arrives(6, 3) == "refuse c6");
  AccountCounts const counts = host.of_account(kAccount);
  CHECK(counts.limit == 4);
  CHECK(counts.reserved == 2);
  CHECK(counts.unreserved_limit == 2);
  CHECK(counts.unreserved_used == 2);
}

TEST_CASE("an account with no limit has none, whatever its functions reserve") {
  Host host;
  host.version("f");
  host.reserves("g", 1'000'000);
  for (unsigned call = 1; call <= 200; ++call) REQUIRE(host.arrives(call).find("start") == 0);
  CHECK(host.of_account(kAccount).limit == 0);
  CHECK(host.of_account(kAccount).unreserved_used == 200);
}

TEST_CASE("accounts do not take from each other") {
  Host host({.account_concurrency = 1});
  host.version({"111111111111", "f"}), host.version({"222222222222", "f"});
  CHECK(host.arrives(1, 1) == "start i1");
  CHECK(host.arrives(2, 1) == "refuse c2");
  CHECK(host.arrives(3, 2) == "start i2");
}

TEST_CASE("the limit of one account is said to be its own") {
  Host host({.account_concurrency = 1});
  host.version("f");
  host.may_have(kAccount, 2);
  CHECK(host.arrives(1) == "start i1");
  CHECK(host.arrives(2) == "start i2");
  CHECK(host.arrives(3) == "refuse c3");
  CHECK(host.error().message.find("2 (limit of the account)") != std::string::npos);
  host.may_have(kAccount, {});
  host.cancelled(2);
  CHECK(host.arrives(4) == "refuse c4");
  CHECK(host.error().message.find("1 (SchedulerOptions::account_concurrency)") !=
        std::string::npos);
  host.may_have(kAccount, 0);
  CHECK(host.arrives(5) == "");
}

TEST_CASE("more reserved than the account may have leaves nothing unreserved, and not less") {
  Host host({.account_concurrency = 3});
  host.version("f");
  host.reserves("g", 5);
  CHECK(host.arrives(1) == "refuse c1");
  CHECK(host.of_account(kAccount).unreserved_limit == 0);
}

TEST_CASE("a reservation that comes and goes while calls run moves them out of the pool and back") {
  Host host({.account_concurrency = 3});
  host.version("f"), host.version("g");
  host.arrives(1, 1), host.arrives(2, 1), host.arrives(3, 2);
  CHECK(host.arrives(4, 2) == "refuse c4");
  host.reserves("f", 2);
  CHECK(host.of_account(kAccount).unreserved_used == 1);
  CHECK(host.of_account(kAccount).unreserved_limit == 1);
  host.cancelled(1);
  host.reserves("f", {});
  CHECK(host.of_account(kAccount).unreserved_used == 2);
  CHECK(host.of_account(kAccount).unreserved_limit == 3);
  CHECK(host.arrives(5, 2) == "start i4");
  CHECK(host.arrives(6, 1) == "refuse c6");
}

TEST_CASE("a provisioned call takes nothing from the pool, and what spills over does") {
  Host host({.account_concurrency = 3});
  host.version("f");
  CHECK(host.provisions(1, 2) == "keep i1, keep i2");
  host.ready(1), host.ready(2);
  CHECK(host.of_account(kAccount).unreserved_limit == 1);
  host.arrives(1), host.arrives(2);
  CHECK(host.of_account(kAccount).unreserved_used == 0);
  CHECK(host.arrives(3) == "start i3");
  CHECK(host.of_account(kAccount).unreserved_used == 1);
  CHECK(host.arrives(4) == "refuse c4");
  CHECK(host.error().message.find("2 that are provisioned") != std::string::npos);
  host.provisions(1, 0);
  CHECK(host.of_account(kAccount).unreserved_used == 3);
  CHECK(host.of_account(kAccount).unreserved_limit == 3);
  host.finished(1), host.finished(2), host.finished(3);  // the third on the first that was free
  CHECK(host.of_account(kAccount).unreserved_used == 0);
}

TEST_CASE("what is provisioned for a function with a reservation is part of that") {
  Host host({.account_concurrency = 5});
  host.version("f");
  host.reserves("f", 2);
  host.provisions(1, 1);
  CHECK(host.of_account(kAccount).unreserved_limit == 3);
  host.arrives(1), host.arrives(2);
  CHECK(host.arrives(3) == "refuse c3");
  CHECK(host.error().reason == kReserved);
}

TEST_CASE("a tenant's call takes from the pool although the revision is provisioned") {
  Host host({.account_concurrency = 2});
  host.version("f");
  host.provisions(1, 2);
  CHECK(host.arrives(1, 1, "blue") == "refuse c1");
  CHECK(host.arrives(2, 1) == "");
}

TEST_CASE("functions and accounts that nothing needs are forgotten") {
  Host host({.account_concurrency = 7});
  FunctionName const f("111111111111", "f");
  host.version(f);
  host.reserves(f, 3);
  host.may_have(f.account, 5);
  host.warm_up(1, 1);
  host.retires(1);
  host.exited(1);
  CHECK(host.knows(f));  // its reservation is still to be known
  host.reserves(f, {});
  CHECK(!host.knows(f));
  CHECK(host.of_account(f.account).limit == 5);
  host.may_have(f.account, {});
  CHECK(host.of_account(f.account).limit == 7);
}

TEST_CASE("a function is known while a call or an instance of its last revision is there") {
  Host host;
  host.version("f");
  host.arrives(1);
  host.ready(1);
  host.retires(1);
  CHECK(host.of_function("f").calls == 1);
  host.finished(1);
  CHECK(host.of_function("f").calls == 0);
  CHECK(host.of_function("f").instances == 1);
  host.exited(1);
  CHECK(!host.knows("f"));
}

TEST_CASE("a revision without a name is a function of its own, which no event names") {
  Host host;
  host.function(), host.function();
  host.reserves("", 0);
  CHECK(host.arrives(1, 1) == "start i1");
  CHECK(host.arrives(2, 2) == "start i2");
  CHECK(!host.knows(""));
}
