#include "edge/cloudcix_wire.hpp"

#include <algorithm>

#include "edge/checked_field.hpp"
#include "edge/cloud_answer.hpp"

namespace regent {

int wire_number(lifecycle_state state) {
  for (const auto& entry : wire_states)
    if (entry.state == state) return entry.number;
  return 0;
}

std::optional<lifecycle_state> state_of_wire(std::int64_t number) {
  for (const auto& entry : wire_states)
    if (entry.number == number) return entry.state;
  return {};
}

bool is_users_move(std::string_view kind, lifecycle_state reported, lifecycle_state now) {
  struct move {
    lifecycle_state from, to;
  };
  static constexpr std::array<move, 8> moves{{{running, quiesce},
                                              {running, scrub},
                                              {running, running_update},
                                              {quiesced, restart},
                                              {quiesced, scrub},
                                              {quiesced, quiesced_update},
                                              {scrub_queue, restart},
                                              {closed, restart}}};
  const auto attaches = [](lifecycle_state state) { return state == running || state == quiesced; };
  if (kind == volume_kind && attaches(reported) && attaches(now)) return true;
  return std::any_of(moves.begin(), moves.end(), [&](const move& m) { return m.from == reported && m.to == now; });
}

const wire_kind* find_wire_kind(std::string_view kind) {
  const auto* found =
      std::find_if(wire_kinds.begin(), wire_kinds.end(), [&](const wire_kind& k) { return k.kind == kind; });
  return found == wire_kinds.end() ? nullptr : found;
}

namespace {
failure malformed(const std::string& what, const std::string& why) {
  return fail(error_kind::transient, "cloud_malformed", "{}: {}", what, why);
}

result<json_document> body_of(const std::string& what, const http_reply& answer) {
  if (answer.status != 200) return failure(answer_error(what, answer));
  auto document = parse_json(answer.body);
  if (!document)
    return malformed(what, fmt::format("{} bytes of {} are not JSON: {}: {}", answer.body.size(),
                                       excerpt(answer.content_type), document.error().message, excerpt(answer.body)));
  if (!(*document)->IsObject()) return malformed(what, "the answer is not an object: " + excerpt(answer.body));
  return document;
}

std::string warning_text(const rapidjson::Value& warning) {
  return warning.IsString() ? excerpt({warning.GetString(), warning.GetStringLength()}) : "(not a string)";
}
}  // namespace

result<wire_page> parse_wire_page(const std::string& what, const http_reply& answer, int page) {
  const auto document = body_of(what, answer);
  if (!document) return failure(document.error());
  field_complaint wrong;
  const checked_field envelope(**document, wrong);
  const auto metadata = envelope["_metadata"];
  std::string warnings;
  metadata["warnings"].each(SIZE_MAX, [&](const checked_field& warning) {
    warnings += (warnings.empty() ? "" : ", ") + warning_text(warning.value());
  });
  if (!warnings.empty())
    return fail(error_kind::permanent, "cloud_filter_ignored", "{}: the cloud did not apply every filter: {}", what,
                warnings.substr(0, 500));
  wire_page out{*document, &envelope["content"].array(), metadata["limit"].integer(1, 100),
                metadata["total_records"].integer(0, id_most)};
  const auto got_page = metadata["page"].integer(0, id_most);
  if (wrong) return malformed(what, fmt::format("not the envelope of a list: {} {}", wrong.field, wrong.why));
  if (got_page != page) return malformed(what, fmt::format("asked for page {}, got page {}", page, got_page));
  if (static_cast<std::int64_t>(out.rows->Size()) > out.limit)
    return malformed(what, fmt::format("{} records on a page of {}", out.rows->Size(), out.limit));
  return out;
}

result<wire_record> parse_wire_record(const std::string& what, const http_reply& answer) {
  const auto document = body_of(what, answer);
  if (!document) return failure(document.error());
  field_complaint wrong;
  const auto* content = &checked_field(**document, wrong)["content"].object();
  if (wrong) return malformed(what, fmt::format("not the envelope of a record: {} {}", wrong.field, wrong.why));
  return wire_record{*document, content};
}

}  // namespace regent
