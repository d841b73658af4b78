#include "edge/cloudcix_plain.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <array>

#include "base/limits.hpp"
#include "edge/cloudcix_records.hpp"

namespace regent {

namespace {
constexpr std::size_t name_most = 255;  ///< bytes
constexpr int depth_most = 32;
constexpr std::array<std::string_view, 5> not_declared{"state", "stable", "updated", "history", "emails"};

using plain_writer = rapidjson::Writer<rapidjson::StringBuffer>;

std::string_view text_of(const rapidjson::Value& value) { return {value.GetString(), value.GetStringLength()}; }

/// False if there is more below than may be; what was written then is no document.
bool write_declared(plain_writer& to, const rapidjson::Value& value, int depth) {
  if (depth > depth_most) return false;
  if (value.IsObject()) {
    to.StartObject();
    for (const auto& [key, each] : value.GetObject()) {
      if (std::find(not_declared.begin(), not_declared.end(), text_of(key)) != not_declared.end()) continue;
      to.Key(key.GetString(), key.GetStringLength());
      if (!write_declared(to, each, depth + 1)) return false;
    }
    to.EndObject();
  } else if (value.IsArray()) {
    to.StartArray();
    for (const auto& each : value.GetArray())
      if (!write_declared(to, each, depth + 1)) return false;
    to.EndArray();
  } else {
    value.Accept(to);
  }
  return true;
}
}  // namespace

result<record> read_plain(const rapidjson::Value& content, const std::string& kind, field_complaint& wrong) {
  record out;
  out.head = read_head(content, kind, wrong);
  const auto name = checked_field(content, wrong)["name"];
  out.name = name.null() ? "" : name.text(name_most);
  if (out.name.empty()) out.name = out.head.id.text();
  if (wrong) return out;

  rapidjson::StringBuffer buffer;
  plain_writer to(buffer);
  if (!write_declared(to, content, 0)) {
    checked_field(content, wrong).complain(fmt::format("has more than {} levels", depth_most));
    return out;
  }
  if (buffer.GetSize() > limits::document_bytes)
    return fail(error_kind::permanent, "record_malformed", "{}: the record is {} bytes long, {} are allowed",
                out.head.id.text(), buffer.GetSize(), limits::document_bytes);
  auto document = parse_json({buffer.GetString(), buffer.GetSize()});
  if (!document) return failure(error{error_kind::bug, "record_unwritable", document.error().text()});
  out.document = std::move(*document);
  return out;
}

}  // namespace regent
