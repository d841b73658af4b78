#include <limits>

#include "edge/event_stream.hpp"
#include "edge/face_handlers.hpp"
#include "edge/json_views.hpp"
#include "region/event_topic.hpp"

namespace regent {

namespace {

result<event_filter> filter_of(const route_request& asked) {
  auto topics = asked.topics();
  if (!topics) return failure(topics.error());
  auto resource = asked.resource("resource");
  if (!resource) return failure(resource.error());
  return event_filter{std::move(*topics), std::move(*resource)};
}

/// The number of an event; none if there is none.
result<std::optional<std::int64_t>> cursor_of(const std::string& text) {
  if (text.empty()) return std::optional<std::int64_t>();
  const auto number = parse_number(text);
  if (!number || *number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return fail(error_kind::permanent, "bad_cursor", "'{}' is not the number of an event", text.substr(0, 100));
  return std::optional(static_cast<std::int64_t>(*number));
}

/// One of the streams that may be open at once, for as long as it lives.
class counted_stream final : public http_stream {
 public:
  counted_stream(event_stream what, std::shared_ptr<std::size_t> open)
      : what_(std::move(what)), open_(std::move(open)) {
    ++*open_;
  }
  counted_stream(const counted_stream&) = delete;
  counted_stream& operator=(const counted_stream&) = delete;
  ~counted_stream() override { --*open_; }
  std::string next() override { return what_.next(); }
  bool over() const override { return what_.over(); }

 private:
  event_stream what_;
  std::shared_ptr<std::size_t> open_;
};

}  // namespace

result<event_look> face_handlers::look_at_events(const event_filter& filter, event_order order,
                                                 std::optional<std::int64_t> from, std::size_t limit) {
  return journal([&](auto& reader) { return reader.look_at_events(filter, order, from, limit); });
}

result<std::string> face_handlers::events(const route_request& asked) {
  const auto limit = asked.limit();
  const auto order = asked.one_of("order", {"newest", "oldest"});
  const auto filter = filter_of(asked);
  if (!limit) return failure(limit.error());
  if (!order) return failure(order.error());
  if (!filter) return failure(filter.error());
  if (*order == "oldest") return events_by_look(asked, *filter, event_order::oldest_first, *limit);
  if (!filter->topics.all()) return events_by_look(asked, *filter, event_order::newest_first, *limit);
  const auto found = journal([&](auto& from) { return from.events(filter->resource, asked.text("after"), *limit); });
  if (!found) return failure(found.error());
  const auto now = time_.wall();
  return list_text(*found, [&](auto& out, const event& row) { write_event(out, row, now); });
}

/// Those that match are not counted, so there is no total. Oldest first, `next` is always a cursor: events yet to come are
/// beyond it.
result<std::string> face_handlers::events_by_look(const route_request& asked, const event_filter& filter,
                                                  event_order order, std::size_t limit) {
  const auto after = cursor_of(asked.text("after"));
  if (!after) return failure(after.error());
  const auto found = look_at_events(filter, order, *after, limit);
  if (!found) return failure(found.error());
  const auto now = time_.wall();
  json_writer out;
  out.open_object();
  out.open_array("rows");
  for (const auto& row : found->rows) write_event(out, row, now);
  out.close_array();
  if (order == event_order::oldest_first) {
    out.number("lost", found->lost);
    out.number("newest", found->newest);
  }
  if (order == event_order::oldest_first || found->more)
    out.text("next", std::to_string(found->cursor));
  else
    out.null("next");
  out.flag("truncated", found->more);
  out.close_object();
  return out.take();
}

result<std::string> face_handlers::topics(const route_request&) {
  json_writer out;
  out.open_object();
  out.open_array("rows");
  for (const auto& each : event_topic_table) {
    out.open_object();
    out.text("topic", each.name);
    out.text("about", each.about);
    out.close_object();
  }
  close_list(out, static_cast<std::int64_t>(event_topic_table.size()), {});
  return out.take();
}

result<std::shared_ptr<http_stream>> face_handlers::event_stream(const route_request& asked) {
  auto filter = filter_of(asked);
  if (!filter) return failure(filter.error());
  auto after = cursor_of(asked.last_event_id.empty() ? asked.text("after") : asked.last_event_id);
  if (!after) return failure(after.error());
  if (*open_streams_ >= limits::event_streams)
    return fail(
        error_kind::transient, "too_many_streams",
        "{} streams of events are open, which is all there may be: end one, or read /api/v1/events?order=oldest",
        *open_streams_);
  // Also finds out whether the cursor can be, while that can still be an answer of its own.
  const auto first = look_at_events({}, *after ? event_order::oldest_first : event_order::newest_first, *after, 1);
  if (!first) return failure(first.error());
  const auto ask = [this](const event_filter& wanted, std::int64_t from, std::size_t limit) {
    return look_at_events(wanted, event_order::oldest_first, from, limit);
  };
  return std::make_shared<counted_stream>(
      regent::event_stream(std::move(*filter), after->value_or(first->newest), ask, facts_, time_), open_streams_);
}

}  // namespace regent
