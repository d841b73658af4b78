#include "edge/json_writer.hpp"

#include "region/json.hpp"

namespace regent {

namespace {
/// Whether a character is invisible and changes how a terminal shows what follows: C1 controls, line separators, and
/// the marks that turn the direction of writing.
bool is_treacherous(unsigned character) {
  return (character >= 0x7F && character < 0xA0) || character == 0x200E || character == 0x200F ||
         (character >= 0x2028 && character <= 0x202E) || (character >= 0x2066 && character <= 0x2069) ||
         character == 0xFEFF;
}

unsigned byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

/// Valid JSON with the treacherous characters escaped: outside of strings JSON has none.
std::string escape_treacherous(std::string_view json) {
  std::string safe;
  safe.reserve(json.size() + 1);
  for (std::size_t i = 0; i < json.size(); ++i) {
    const auto lead = byte_at(json, i);
    const std::size_t length = lead == 0xC2 ? 2 : lead == 0xE2 || lead == 0xEF ? 3 : 1;
    if ((length == 1 && lead != 0x7F) || i + length > json.size()) {
      safe += json[i];
      continue;
    }
    unsigned character = length == 1 ? lead : length == 2 ? lead & 0x1F : lead & 0x0F;
    for (std::size_t k = 1; k < length; ++k) character = character << 6 | (byte_at(json, i + k) & 0x3F);
    if (is_treacherous(character))
      safe += fmt::format("\\u{:04x}", character);
    else
      safe.append(json.substr(i, length));
    i += length - 1;
  }
  return safe;
}
}  // namespace

void json_writer::begin(std::string_view key) {
  if (!key.empty()) writer_.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
}

void json_writer::open_object(std::string_view key) {
  begin(key);
  writer_.StartObject();
}

void json_writer::open_array(std::string_view key) {
  begin(key);
  writer_.StartArray();
}

void json_writer::text(std::string_view key, std::string_view value) {
  begin(key);
  const auto quoted = json_quote(value);
  writer_.RawValue(quoted.data(), quoted.size(), rapidjson::kStringType);
}

void json_writer::number(std::string_view key, std::int64_t value) {
  begin(key);
  writer_.Int64(value);
}

void json_writer::flag(std::string_view key, bool value) {
  begin(key);
  writer_.Bool(value);
}

void json_writer::null(std::string_view key) {
  begin(key);
  writer_.Null();
}

void json_writer::time(std::string_view key, const std::optional<wall_time>& at) {
  if (at)
    text(key, iso_text(*at));
  else
    null(key);
}

void json_writer::time_and_age(std::string_view key, const std::optional<wall_time>& at, wall_time now) {
  time(key, at);
  maybe_number(std::string(key) + "_age_ms", at ? std::optional((now - *at).count()) : std::nullopt);
}

void json_writer::maybe_number(std::string_view key, const std::optional<std::int64_t>& value) {
  if (value)
    number(key, *value);
  else
    null(key);
}

void json_writer::document(std::string_view key, const std::string& json) {
  if (json.empty()) return null(key);
  if (!parse_json(json)) return text(key, json);
  begin(key);
  // As it stands, not value by value: that would recurse as deep as the document is nested.
  writer_.RawValue(json.data(), json.size(), rapidjson::kObjectType);
}

std::string json_writer::take() {
  auto done = escape_treacherous({buffer_.GetString(), buffer_.GetSize()});
  done += '\n';
  return done;
}

}  // namespace regent
