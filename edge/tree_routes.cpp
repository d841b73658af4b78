#include "edge/tree_routes.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "edge/http_query.hpp"
#include "edge/json_views.hpp"
#include "edge/route_request.hpp"
#include "region/json.hpp"
#include "region/tree_order.hpp"

namespace regent {

namespace {

constexpr std::size_t branches_shown = 200;  // in a preview

std::string preview_text(const tree_order& order) {
  json_writer out;
  out.open_object();
  out.open_object("preview");
  out.text("name", order.settings.name);
  out.text("lane", name(order.in));
  out.number("at_once", order.settings.at_once);
  out.text("on_failure", order.settings.stops ? "stop" : "go_on");
  out.number("deadline_ms", order.deadline.count());
  out.open_array("hold");
  for (const auto& host : order.settings.hold) out.text({}, host.value());
  out.close_array();
  out.open_array("branches");
  for (std::size_t i = 0; i < std::min(order.branches.size(), branches_shown); ++i)
    write_branch(out, order.branches[i]);
  out.close_array();
  out.number("branches_total", static_cast<std::int64_t>(order.branches.size()));
  out.flag("truncated", order.branches.size() > branches_shown);
  out.close_object();
  out.close_object();
  return out.take();
}

result<void> expect_keys(const http_query& query, std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : query.parameters)
    if (std::find(known.begin(), known.end(), key) == known.end())
      return fail(error_kind::permanent, "bad_query", "there is no parameter {}", key.substr(0, 100));
  return {};
}

std::string cause_of(const std::string& by, const tree_order& order) {
  return fmt::format("{}: {}", order.settings.name, by);
}

}  // namespace

bool tree_routes::takes(std::string_view target) {
  return target.starts_with("/api/v1/bulk/") || target.starts_with("/api/v1/trees");
}

void tree_routes::answer(const http_command& asked, const std::function<void(http_answer)>& said) {
  auto wanted = wish_of(asked);
  if (!wanted) return said(answer_of(tl::unexpected(wanted.error())));
  if (wanted->preview) return said({200, "application/json", preview_text(*wanted->order)});
  auto cause = cause_of(wanted->by, *wanted->order);
  desk_(wanted->order, std::move(cause), [said](const result<std::string>& decided) { said(answer_of(decided)); });
}

result<tree_routes::wish> tree_routes::wish_of(const http_command& asked) {
  const auto query = parse_target(asked.target);
  if (!query) return failure(query.error());
  const auto& at = query->segments;
  const bool is_bulk = at.size() == 4 && at[2] == "bulk";
  if (!is_bulk && !(at.size() == 3 && at[2] == "trees"))
    return fail(error_kind::permanent, "unknown_path", "orders are for /api/v1/bulk/VERB or /api/v1/trees");
  const auto known = is_bulk ? expect_keys(*query, {"by", "lane", "preview", "kind", "state", "project", "degraded"})
                             : expect_keys(*query, {"by", "preview"});
  if (!known) return failure(known.error());
  const route_request given{{}, query->parameters, {}};
  auto by = operator_words(*query);
  if (!by) return failure(by.error());
  const auto preview = given.flag("preview");
  if (!preview) return failure(preview.error());
  wish made{nullptr, std::move(*by), preview->value_or(false)};
  if (is_bulk) {
    auto order = bulk(at[3], given);
    if (!order) return failure(order.error());
    made.order = std::make_shared<tree_order>(std::move(*order));
    return made;
  }
  auto parsed = parse_tree_order(std::string(asked.body));
  if (!parsed.order) return fail(error_kind::permanent, "bad_tree", "{}", parsed.text("order"));
  made.order = std::make_shared<tree_order>(std::move(*parsed.order));
  return made;
}

result<tree_order> tree_routes::bulk(const std::string& verb, const route_request& given) {
  bulk_order wanted;
  const auto found = std::find(bulk_verb_names.begin(), bulk_verb_names.end(), verb);
  if (found == bulk_verb_names.end())
    return fail(error_kind::permanent, "bad_query", "{} is no word for many: there are {}", verb.substr(0, 100),
                fmt::join(bulk_verb_names, ", "));
  wanted.what = static_cast<bulk_verb>(found - bulk_verb_names.begin());
  wanted.kind = given.text("kind");
  wanted.state = given.text("state");
  wanted.project = given.text("project");
  if (is_of_project(wanted.what) && wanted.project.empty())
    return fail(error_kind::permanent, "bad_query", "{}", project_is_missing);
  const auto degraded = given.flag("degraded");
  if (!degraded) return failure(degraded.error());
  wanted.degraded = *degraded;
  const auto in = given.one_of("lane", {lane_names.begin(), lane_names.end()});
  if (!in) return failure(in.error());
  auto reader = open_();
  if (!reader) return failure(reader.error());
  auto order = expand(wanted, **reader, needs_);
  if (order && !in->empty())
    order->in = static_cast<lane>(std::find(lane_names.begin(), lane_names.end(), *in) - lane_names.begin());
  return order;
}

}  // namespace regent
