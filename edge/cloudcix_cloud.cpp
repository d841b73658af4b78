#include "edge/cloudcix_cloud.hpp"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "base/log.hpp"
#include "edge/cloud_answer.hpp"
#include "edge/cloudcix_plain.hpp"
#include "edge/http_query.hpp"
#include "region/lifecycle_machine.hpp"

namespace regent {

namespace {
constexpr std::size_t hints_most = 1'000'000;  ///< ids in one list of run_robot
constexpr std::size_t acknowledged_projects_most = 100'000;
constexpr std::size_t subnets_per_request = 100;  ///< they stand in the query
constexpr int report_writes_most = 4;             ///< the first and three more

/// The id as the cloud's number, or none: it becomes a part of a path.
bool is_wire_id(const std::string& id) {
  return !id.empty() && id.size() <= 18 && id[0] != '0' &&
         std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
}

failure unknown_kind(const std::string& kind) {
  return fail(error_kind::bug, "kind_unknown", "the cloudcix dialect has no kind {}", excerpt(kind));
}

failure malformed_record(const resource_id& id, const std::string& field, const std::string& why) {
  return fail(error_kind::permanent, "record_malformed", "{}: {} {}", id.text(), field.empty() ? "the record" : field,
              why);
}

failure another_record(const std::string& path, const resource_id& got) {
  return fail(error_kind::transient, "cloud_malformed", "GET {} gave {}", path, got.text());
}

/// "search%5Bstate__in%5D=%281%2C2%29"
template <class Numbers>
std::string search_in(std::string_view field, const Numbers& numbers) {
  return fmt::format("{}={}", percent_encode(fmt::format("search[{}]", field)),
                     percent_encode(fmt::format("({})", fmt::join(numbers, ","))));
}

std::string record_path(const wire_kind& kind, const resource_id& id) { return fmt::format("{}{}/", kind.path, id.id); }
}  // namespace

cloudcix_cloud::cloudcix_cloud(std::shared_ptr<cloud_session> session, http_address address, std::size_t body_most)
    : session_(std::move(session)), line_(std::move(address), session_->config().ca_file, body_most) {}

// Hints

namespace {
/// The ids of one hint group, list by list. The lists' names are the operations; only the ids are of interest.
void each_hint(const checked_field& group, const std::function<void(std::int64_t)>& use) {
  if (group.null()) return;
  for (const auto& list : group.object().GetObject())
    group[{list.name.GetString(), list.name.GetStringLength()}].each(
        hints_most, [&](const checked_field& id) { use(id.integer(1, id_most)); });
}
}  // namespace

result<std::vector<resource_id>> cloudcix_cloud::changes() {
  const std::string what = "GET run_robot/";
  const auto answer = session_->call(line_, {"GET", "run_robot/", "", ""});
  if (!answer) return failure(answer.error());
  const auto got = parse_wire_record(what, *answer);
  if (!got) return failure(got.error());

  field_complaint wrong;
  const checked_field content(*got->content, wrong);
  std::vector<resource_id> out;
  add_hints(content, *find_wire_kind(router_kind), out);
  // A region without a kind file for volumes is not to miss its routers' news because of theirs.
  field_complaint of_volumes;
  std::vector<resource_id> volumes;
  add_hints(checked_field(*got->content, of_volumes), *find_wire_kind(volume_kind), volumes);
  if (!of_volumes) out.insert(out.end(), volumes.begin(), volumes.end());
  if (of_volumes && of_volumes.why != last_hint_complaint_)
    log::warn("cloud: {}: content.{} {}: volumes are found by the listing only", what, of_volumes.field,
              of_volumes.why);
  last_hint_complaint_ = of_volumes.why;
  std::set<std::int64_t> projects;
  content["project_ids"].each(hints_most, [&](const checked_field& id) { projects.insert(id.integer(1, id_most)); });
  if (wrong) return fail(error_kind::transient, "cloud_malformed", "{}: content.{} {}", what, wrong.field, wrong.why);
  for (const auto project : projects)
    if (hinted_projects_.size() < acknowledged_projects_most) hinted_projects_.insert(project);
  return out;
}

/// Adds what is named of this kind. If there is a complaint, what was added is worth nothing.
void cloudcix_cloud::add_hints(const checked_field& content, const wire_kind& kind, std::vector<resource_id>& to) {
  std::unordered_set<std::int64_t> seen;
  const auto add = [&](std::int64_t id) {
    if (seen.insert(id).second) to.push_back({std::string(kind.kind), std::to_string(id)});
  };
  const auto resource = content["resource"];
  const auto hints = content[kind.hints];
  const auto ordered = resource[kind.hints_ordered];
  if (hints.null() && ordered.null()) hints.complain("is missing");
  // First the groups that are ordered by age of the change, then what only the merged one has.
  each_hint(ordered, [&](std::int64_t id) {
    add(id);
    session_->note_phantom({std::string(kind.kind), std::to_string(id)}, false);
  });
  if (!kind.hints_phantom.empty())
    each_hint(resource[kind.hints_phantom], [&](std::int64_t id) {
      add(id);
      session_->note_phantom({std::string(kind.kind), std::to_string(id)}, true);
    });
  each_hint(hints, add);
}

result<void> cloudcix_cloud::acknowledge_changes() {
  if (hinted_projects_.empty()) return {};
  const auto answer = session_->call(
      line_, {"POST", "run_robot/", "", fmt::format(R"({{"project_ids":[{}]}})", fmt::join(hinted_projects_, ","))});
  if (!answer) return failure(answer.error());
  if (answer->status >= 200 && answer->status < 300) {
    hinted_projects_.clear();
    return {};
  }
  auto error = answer_error("POST run_robot/", *answer);
  // Projects that the cloud refuses would be refused for ever, and the hint is only a hint: whatever still has work is
  // named again, and listed.
  if (error.kind == error_kind::permanent) hinted_projects_.clear();
  return failure(error);
}

// Listing

result<void> cloudcix_cloud::read_pages(std::string_view path, const std::string& query, page_reader rows) {
  rows.limit = std::clamp(session_->config().page_limit, 1, 100);
  rows.get = [&](int page, int limit) -> result<wire_page> {
    const cloud_call call{"GET", std::string(path), fmt::format("page={}&limit={}&{}", page, limit, query), ""};
    const auto answer = session_->call(line_, call);
    if (!answer) return failure(answer.error());
    return parse_wire_page(fmt::format("GET {}?{}", call.path, call.query), *answer, page);
  };
  return read_all_pages(fmt::format("GET {}?{}", path, query), rows);
}

namespace {
/// Collects the rows of a listing: the newest copy of each record, and what is wrong with the others.
class listing_rows {
 public:
  listing_rows(const wire_kind& kind, const std::vector<lifecycle_state>& states) : kind_(kind), states_(states) {}

  void clear() {
    heads_.clear();
    bad_.clear();
    unidentified_.clear();
    foreign_.clear();
  }

  void take(const rapidjson::Value& row, row_news news) {
    field_complaint wrong;
    auto head = read_head(row, std::string(kind_.kind), wrong);
    if (news == row_news::unidentified) {
      unidentified_.push_back({std::string(kind_.kind) + "/?", wrong.field, wrong.why});
      return;
    }
    const auto key = row["id"].GetInt64();
    const auto name = fmt::format("{}/{}", kind_.kind, key);
    if (!wrong && news == row_news::twice) {
      const auto first = heads_.find(key);
      const bool same =
          first != heads_.end() && first->second.state == head.state && first->second.updated == head.updated;
      if (!same) wrong = {"id", "is in the list twice, with different contents"};
    }
    heads_.erase(key);
    if (wrong) {
      bad_.insert_or_assign(key, bad_record{name, wrong.field, wrong.why});
      return;
    }
    // A record that was bad and now is not: a newer copy, unless both came in one query.
    if (news == row_news::twice && bad_.contains(key)) return;
    bad_.erase(key);
    if (std::find(states_.begin(), states_.end(), head.state) == states_.end()) foreign_ = name;
    heads_.emplace(key, std::move(head));
  }

  void too_long(int place, const error& why) {
    unidentified_.push_back({std::string(kind_.kind) + "/?", fmt::format("content.{}", place), why.message});
  }

  /// The name of a record that is in no state that was asked for; empty if there is none.
  const std::string& foreign() const { return foreign_; }

  cloud_listing listing() && {
    cloud_listing out;
    for (auto& [id, head] : heads_) out.heads.push_back(std::move(head));
    for (auto& [id, bad] : bad_) out.bad.push_back(std::move(bad));
    for (auto& bad : unidentified_) out.bad.push_back(std::move(bad));
    return out;
  }

 private:
  const wire_kind& kind_;
  const std::vector<lifecycle_state>& states_;
  std::map<std::int64_t, record_head> heads_;
  std::map<std::int64_t, bad_record> bad_;
  std::vector<bad_record> unidentified_;
  std::string foreign_;
};
}  // namespace

result<cloud_listing> cloudcix_cloud::list(const std::string& kind, const std::vector<lifecycle_state>& states) {
  const auto* wire = find_wire_kind(kind);
  if (wire == nullptr)
    return cloud_listing{{}, {{kind + "/*", "kind", "the cloudcix dialect has no such kind, so none are listed"}}};
  if (states.empty()) return cloud_listing{};
  std::set<int> numbers;
  for (const auto state : states) numbers.insert(wire_number(state));
  auto query = search_in("state__in", numbers);
  if (!wire->list_query.empty()) query += fmt::format("&{}", wire->list_query);

  listing_rows rows(*wire, states);
  page_reader reader;
  reader.begin = [&] { rows.clear(); };
  reader.take = [&](const rapidjson::Value& row, row_news news) { rows.take(row, news); };
  reader.too_long = [&](int place, const error& why) { rows.too_long(place, why); };
  const auto read = read_pages(wire->path, query, std::move(reader));
  if (!read) return failure(read.error());
  if (!rows.foreign().empty())
    return fail(error_kind::permanent, "cloud_filter_ignored", "GET {}?{} gave {}, which is in none of these states",
                wire->path, query, rows.foreign());
  return std::move(rows).listing();
}

// One record

result<record> cloudcix_cloud::read(const resource_id& id) {
  const auto* wire = find_wire_kind(id.kind);
  if (wire == nullptr) return unknown_kind(id.kind);
  if (!is_wire_id(id.id))
    return fail(error_kind::permanent, "cloud_not_found", "{} is not an id of this cloud", excerpt(id.text()));
  const auto path = record_path(*wire, id);
  const auto answer = session_->call(line_, {"GET", path, "", ""});
  if (!answer && answer.error().code == "cloud_too_long") return malformed_record(id, "", answer.error().message);
  if (!answer) return failure(answer.error());
  const auto got = parse_wire_record("GET " + path, *answer);
  if (!got) return failure(got.error());

  field_complaint wrong;
  if (wire->kind != router_kind) {
    auto plain = read_plain(*got->content, id.kind, wrong);
    if (wrong) return malformed_record(id, wrong.field, wrong.why);
    if (plain && plain->head.id != id) return another_record(path, plain->head.id);
    return plain;
  }
  auto facts = read_router(*got->content, wrong);
  if (wrong) return malformed_record(id, wrong.field, wrong.why);
  if (facts.head.id != id) return another_record(path, facts.head.id);
  if (auto nat = read_nat(facts); !nat) return failure(nat.error());
  return to_record(facts, facts.phantom.value_or(session_->is_phantom(id)));
}

result<void> cloudcix_cloud::read_nat(router_facts& facts) {
  std::vector<std::int64_t> subnets;
  for (const auto& network : facts.networks) subnets.push_back(network.id);
  for (std::size_t first = 0; first < subnets.size(); first += subnets_per_request) {
    const auto from = subnets.begin() + static_cast<std::ptrdiff_t>(first);
    const std::vector<std::int64_t> some(
        from, from + static_cast<std::ptrdiff_t>(std::min(subnets_per_request, subnets.size() - first)));
    const auto query =
        search_in("subnet_id__in", some) + "&" + percent_encode("search[public_ip_id__isnull]") + "=False";
    const auto before = facts.nat;
    field_complaint wrong;
    std::string bad_row;
    page_reader reader;
    reader.begin = [&] {
      facts.nat = before;
      wrong = {};
    };
    reader.take = [&](const rapidjson::Value& row, row_news news) {
      if (wrong || news == row_news::again) return;
      bad_row = news == row_news::unidentified ? "?" : std::to_string(row["id"].GetInt64());
      add_nat(facts, row, wrong);
    };
    reader.too_long = [&](int, const error& why) {
      if (wrong) return;
      bad_row = "?";
      wrong = {"", why.message};
    };
    if (auto read = read_pages("ip_address/", query, std::move(reader)); !read) return read;
    if (wrong) return malformed_record(facts.head.id, fmt::format("ip_address/{}.{}", bad_row, wrong.field), wrong.why);
  }
  return {};
}

// Reports

namespace {
/// A report that did not arrive is tried again, whatever went wrong on the way.
failure transient(error what) {
  return failure(error{error_kind::transient, std::move(what.code), std::move(what.message)});
}
}  // namespace

result<cloudcix_cloud::found_state> cloudcix_cloud::read_state(const wire_kind& kind, const resource_id& id) {
  const auto path = record_path(kind, id);
  const auto answer = session_->call(line_, {"GET", path, "", ""});
  if (!answer) return failure(answer.error());
  const auto got = parse_wire_record("GET " + path, *answer);
  if (!got && got.error().code == "cloud_not_found") return found_state{true, ignore};
  if (!got) return failure(got.error());
  field_complaint wrong;
  const checked_field content(*got->content, wrong);
  const auto number = content["state"].integer(0, id_most);
  const bool other = !wrong && std::to_string(content["id"].integer(1, id_most)) != id.id;
  const auto state = state_of_wire(number);
  if (wrong || other || !state)
    return fail(error_kind::transient, "cloud_malformed", "GET {}: {}", path,
                wrong   ? wrong.field + " " + wrong.why
                : other ? "the record of another id"
                        : "an unknown state");
  return found_state{false, *state};
}

result<void> cloudcix_cloud::report(const resource_id& id, lifecycle_state state) {
  const auto* wire = find_wire_kind(id.kind);
  if (wire == nullptr) return unknown_kind(id.kind);
  if (!is_wire_id(id.id))
    return fail(error_kind::conflict, "cloud_refused", "{} is not an id of this cloud", excerpt(id.text()));
  // Saying scrub_queue again would begin the grace period again, and a report may be said again after a crash.
  if (state == scrub_queue) {
    const auto now = read_state(*wire, id);
    if (!now) return transient(now.error());
    if (!now->gone && now->state == state) return {};
  }
  for (int i = 0; i < report_writes_most; ++i) {
    bool lost = false;
    const auto said = report_once(*wire, id, state, lost);
    if (said || !lost) return said;
    log::info("cloud: {} was told {} and has lost it, telling it again", id.text(), name(state));
  }
  return fail(error_kind::transient, "cloud_update_lost",
              "{} was told {} {} times and each time had another state after it", id.text(), name(state),
              report_writes_most);
}

result<void> cloudcix_cloud::report_once(const wire_kind& kind, const resource_id& id, lifecycle_state state,
                                         bool& lost) {
  const auto path = record_path(kind, id);
  const auto answer = session_->call(line_, {"PATCH", path, "", fmt::format(R"({{"state":{}}})", wire_number(state))});
  // Not sent: nothing can have changed.
  if (!answer && (answer.error().code == "cloud_circuit_open" || answer.error().code == "cloud_stopped"))
    return transient(answer.error());
  // Whatever was answered, and if nothing was: what the cloud has now is what counts.
  const auto now = read_state(kind, id);
  const bool ended = now && now->gone && state == closed;
  const bool there = now && !now->gone && (now->state == state || is_users_move(kind.kind, state, now->state));
  if (ended || there) return {};
  if (!now) return transient(answer ? now.error() : answer.error());
  if (answer && answer->status >= 400 && answer->status < 500) {
    auto error = answer_error("PATCH " + path, *answer);
    const bool refused = error.code == "cloud_refused" || error.code == "cloud_not_found";
    if (!refused) return transient(std::move(error));
    return fail(error_kind::conflict, "cloud_refused", "{} to {}: {}", id.text(), name(state),
                refusal_words(answer->body));
  }
  if (answer && answer->status >= 300 && answer->status < 400) return transient(answer_error("PATCH " + path, *answer));
  if (now->gone)
    return fail(error_kind::conflict, "cloud_refused", "{} to {}: the cloud no longer has it", id.text(), name(state));
  lost = true;
  return fail(error_kind::transient, "cloud_update_lost", "{} was told {} and has {}", id.text(), name(state),
              name(now->state));
}

// Wishes

result<void> cloudcix_cloud::ask(const resource_id& id, lifecycle_state wish) {
  const auto* wire = find_wire_kind(id.kind);
  if (wire == nullptr) return unknown_kind(id.kind);
  if (!is_wire_id(id.id))
    return fail(error_kind::conflict, "cloud_refused", "{} is not an id of this cloud", excerpt(id.text()));
  auto* user = session_->user();
  if (user == nullptr)
    return fail(error_kind::permanent, "cloud_no_user",
                "{} cannot be asked for: the region file names no account for that (cloud.user)", id.text());
  const auto path = record_path(*wire, id);
  const auto answer = user->call(line_, {"PATCH", path, "", fmt::format(R"({{"state":{}}})", wire_number(wish))});
  if (answer && answer->status >= 200 && answer->status < 300) return {};
  // It may have been taken before, and the answer lost, this time or the last.
  const auto now = read_state(*wire, id);
  if (now && !now->gone && (now->state == wish || asked_by(now->state) == wish)) return {};
  if (!answer) return transient(answer.error());
  auto error = answer_error("PATCH " + path, *answer);
  if (error.code != "cloud_refused" && error.code != "cloud_not_found") return transient(std::move(error));
  return fail(error_kind::conflict, "cloud_refused", "{} to {}: {}", id.text(), name(wish),
              refusal_words(answer->body));
}

}  // namespace regent
