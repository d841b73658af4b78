#include <map>
#include <set>

#include "sim/cloud_states.hpp"
#include "test/sim/sim_fixture.hpp"

namespace regent::sim {

namespace {

/// The lists of the reference page, in its numbers.
using page_map = std::map<std::int64_t, std::set<std::int64_t>>;
const page_map page_user{{4, {5, 8, 10}}, {6, {7, 8, 15}}, {9, {7}}};
const page_map page_user_copy{{4, {8, 10}}};
const page_map page_orchestrator{{1, {2, 3}},  {2, {3, 4}},  {3, {1, 5, 7, 8, 10, 15}},
                                 {5, {12}},    {7, {13}},    {8, {14, 17}},
                                 {9, {17}},    {10, {11}},   {15, {16}},
                                 {11, {3, 4}}, {12, {3, 6}}, {13, {3, 4}},
                                 {14, {3, 9}}, {16, {3, 6}}, {17, {3, 99}}};

bool on_page(const page_map& page, std::int64_t from, std::int64_t to) {
  const auto row = page.find(from);
  return row != page.end() && row->second.contains(to);
}

std::vector<std::int64_t> every_number() {
  std::vector<std::int64_t> out;
  for (std::int64_t number = 0; number <= 17; ++number) out.push_back(number);
  out.push_back(99);
  return out;
}

}  // namespace

TEST_CASE("the numbers on the wire are those of the reference page") {
  CHECK(number_of(ignore) == 0);
  CHECK(number_of(requested) == 1);
  CHECK(number_of(scrub_queue) == 9);
  CHECK(number_of(running_updating) == 11);
  CHECK(number_of(scrub_prep) == 14);
  CHECK(number_of(quiesced_updating) == 16);
  CHECK(number_of(scrubbing) == 17);
  CHECK(number_of(closed) == 99);
  for (const auto number : every_number()) CHECK(number_of(state_of(number).value()) == number);
  CHECK_FALSE(state_of(18));
  CHECK_FALSE(state_of(-1));
}

TEST_CASE(
    "every state to every state is accepted or refused as the page says, for routers, VMs, snapshots, backups and "
    "volumes") {
  const auto what = GENERATE(kind::virtual_router, kind::vm, kind::snapshot, kind::backup, kind::ceph);
  const auto by = GENERATE(caller::user, caller::orchestrator);
  const bool copy = what == kind::snapshot || what == kind::backup;
  const auto& page = by == caller::orchestrator ? page_orchestrator : copy ? page_user_copy : page_user;
  for (const auto from : every_number())
    for (const auto to : every_number()) {
      auto project = small_project();
      project.vms.resize(copy ? 1 : 0);
      project.router.nat.clear();
      if (what == kind::vm) project.vms.emplace_back().name = "one";
      model_fixture f(project);
      if (copy) f.put(kind::vm, 1, running);
      const auto id = what == kind::snapshot ? f.add_snapshot(*state_of(from))
                      : what == kind::backup ? f.add_backup(*state_of(from))
                      : what == kind::ceph   ? f.add_volume(*state_of(from))
                                             : 1;
      f.put(what, id, *state_of(from));
      const auto said = f.model.patch(what, id, {{"state", to}}, by);
      const bool accepted = from == to || on_page(page, from, to);
      INFO(name(what) << " by " << (by == caller::user ? "user" : "orchestrator") << " " << from << " to " << to << ": "
                      << said.body);
      CHECK(said.status == (accepted ? 200 : 400));
      CHECK(number_of(f.state(what, id)) == (accepted ? to : from));
      if (!accepted) CHECK(error_code(said).starts_with(fmt::format("iaas_{}_update_10", name(what))));
    }
}

TEST_CASE("a state that is no number, or no state, is refused with the codes of its kind") {
  model_fixture f;
  CHECK(error_code(f.model.patch(kind::virtual_router, 1, {{"state", "four"}}, caller::user)) ==
        "iaas_virtual_router_update_101");
  CHECK(error_code(f.model.patch(kind::virtual_router, 1, {{"state", 18}}, caller::user)) ==
        "iaas_virtual_router_update_102");
  CHECK(error_code(f.ask(kind::virtual_router, 1, quiesce, caller::user)) == "iaas_virtual_router_update_103");
  f.put(kind::virtual_router, 1, running);
  CHECK(error_code(f.ask(kind::virtual_router, 1, closed, caller::user)) == "iaas_virtual_router_update_104");
  CHECK(error_code(f.model.patch(kind::vm, 1, {{"state", true}}, caller::user)) == "iaas_vm_update_104");
  CHECK(error_code(f.model.patch(kind::vm, 77, {{"state", 1}}, caller::user)) == "iaas_vm_update_001");
  const auto volume = f.add_volume(requested);
  CHECK(error_code(f.model.patch(kind::ceph, volume, {{"state", "x"}}, caller::user)) == "iaas_ceph_update_101");
  CHECK(error_code(f.model.patch(kind::ceph, volume, {{"state", 18}}, caller::user)) == "iaas_ceph_update_102");
  CHECK(error_code(f.model.patch(kind::ceph, volume, {{"state", 18}}, caller::orchestrator)) == "iaas_ceph_update_103");
  CHECK(f.model.patch(kind::virtual_router, 1, {{"state", "5"}}, caller::user).status == 200);
}

TEST_CASE("a PATCH to the state that stands is accepted and moves updated on") {
  model_fixture f;
  f.put(kind::virtual_router, 1, scrub_queue);
  const auto before = text_in(f.read(kind::virtual_router, 1), "updated");
  CHECK(f.ask(kind::virtual_router, 1, scrub_queue, caller::orchestrator).status == 200);
  CHECK(text_in(f.read(kind::virtual_router, 1), "updated") > before);
  CHECK(f.model.patch(kind::virtual_router, 1, {{"debug", false}}, caller::orchestrator).status == 200);
  CHECK_FALSE(f.read(kind::virtual_router, 1).contains("debug"));
}

}  // namespace regent::sim
