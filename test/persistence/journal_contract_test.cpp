#include "test/contract/journal_suite.hpp"

#include "sim/region/memory_journal.hpp"
#include "test/persistence/temp_journal.hpp"

using namespace regent;
using namespace regent::test;

namespace {

class memory_place final : public journal_place {
 public:
  result<std::unique_ptr<journal>> open() override { return open_memory_journal(store_); }
  journal_snapshot look() override {
    journal_snapshot found;
    for (const auto& [key, row] : store_->resources) found.resources.push_back(row);
    for (const auto& [key, row] : store_->jobs) found.jobs.push_back(row);
    for (const auto& [key, row] : store_->steps) found.steps.push_back(row);
    found.events.assign(store_->events.begin(), store_->events.end());
    return found;
  }

 private:
  std::shared_ptr<memory_store> store_ = std::make_shared<memory_store>();
};

}  // namespace

TEST_CASE("a journal in a file begins reigns and finds again what was open") {
  file_place place;
  reigns_suite(place);
}
TEST_CASE("a journal in memory begins reigns and finds again what was open") {
  memory_place place;
  reigns_suite(place);
}
TEST_CASE("a journal in a file keeps rows by their keys") {
  file_place place;
  rows_suite(place);
}
TEST_CASE("a journal in memory keeps rows by their keys") {
  memory_place place;
  rows_suite(place);
}
TEST_CASE("a journal in a file numbers reports and events") {
  file_place place;
  numbers_suite(place);
}
TEST_CASE("a journal in memory numbers reports and events") {
  memory_place place;
  numbers_suite(place);
}
TEST_CASE("a journal in a file refuses unsound rows and keeps nothing of their group") {
  file_place place;
  refusals_suite(place);
}
TEST_CASE("a journal in memory refuses unsound rows and keeps nothing of their group") {
  memory_place place;
  refusals_suite(place);
}
TEST_CASE("a journal in memory fails once when it is told to, and changes nothing") {
  auto store = std::make_shared<memory_store>();
  auto open = open_memory_journal(store);
  store->next_commit = error{error_kind::transient, "journal_full", "no space"};
  std::vector<transaction> group{{full_event(1)}};
  const auto refused = open->commit(group);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == "journal_full");
  CHECK(store->events.empty());
  CHECK(open->commit(group).has_value());
  CHECK(store->events.size() == 1);
  CHECK(store->commits == 1);
}
