#include "region/resume_point.hpp"

#include "test/support/catch.hpp"

using namespace regent;

namespace {

job_with_steps failed_at_third() {
  job_with_steps made;
  made.job.id = job_id(7);
  for (int i = 0; i < 4; ++i) {
    step one;
    one.index = i;
    one.host = host_id(i < 2 ? "a" : "b");
    one.primitive = "net";
    one.verb = "build";
    one.about = "part " + std::to_string(i + 1);
    one.parameters = "{\"v\":1}";
    one.state = i < 2 ? step_state::done : i == 2 ? step_state::failed : step_state::planned;
    one.boot_id = "boot-1";
    made.steps.push_back(one);
  }
  return made;
}

const std::map<host_id, std::string> as_before{{host_id("a"), "boot-1"}, {host_id("b"), "boot-1"}};

}  // namespace

TEST_CASE("a job is gone on with from a step if those before it are done, and were not undone by a reboot") {
  const auto dead = failed_at_third();
  CHECK_FALSE(why_not_from(dead, 1, as_before));
  CHECK_FALSE(why_not_from(dead, 3, as_before));
  CHECK_FALSE(why_not_from(dead, 3, {}));  // nothing is known of the hosts: it is found out when the next step is sent
  CHECK(why_not_from(dead, 4, as_before)->find("step 3 of job 7 (part 3) is not done but failed") == 0);
  CHECK(why_not_from(dead, 5, as_before) == "job 7 has the steps 1 to 4, and no step 5");
  CHECK(why_not_from(dead, 0, as_before).has_value());
  CHECK(why_not_from(dead, 3, {{host_id("a"), "boot-2"}})->find("a has rebooted since step 1 of job 7") == 0);
  CHECK_FALSE(why_not_from(dead, 3, {{host_id("b"), "boot-2"}}));  // nothing that counts was done there
  CHECK(why_not_from({}, 1, {}).has_value());
}

TEST_CASE("two plans are the same by host, primitive, verb, role and parameters of each step, in order") {
  const auto steps = failed_at_third().steps;
  auto other = steps;
  for (auto& one : other) one.state = step_state::planned;
  CHECK(same_steps(steps, other));
  SECTION("a parameter") { other[1].parameters = "{\"v\":2}"; }
  SECTION("a host") { other[1].host = host_id("b"); }
  SECTION("a primitive") { other[1].primitive = "fw"; }
  SECTION("a verb") { other[1].verb = "scrub"; }
  SECTION("a role") { other[1].role = "standby"; }
  SECTION("one step more") { other.push_back(other.back()); }
  SECTION("one step less") { other.pop_back(); }
  CHECK_FALSE(same_steps(steps, other));
}

TEST_CASE("what is counted as done keeps the boot id under which it was done") {
  auto again = failed_at_third().steps;
  for (auto& one : again) {
    one.state = step_state::planned;
    one.boot_id.clear();
  }
  count_as_done(again, failed_at_third(), 3);
  CHECK(again[0].state == step_state::done);
  CHECK(again[1].boot_id == "boot-1");
  CHECK(again[1].output == "done as step 2 of job 7");
  CHECK(again[1].attempt == 0);
  CHECK(again[2].state == step_state::planned);
}
