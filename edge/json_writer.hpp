// Writes one JSON document front to back. Texts may hold any bytes: the result is always valid UTF-8, and no character
// in it moves a terminal's cursor or turns its writing around.
#pragma once

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace regent {

/// Members have a key; the document itself and the elements of an array have none.
class json_writer {
 public:
  void open_object(std::string_view key = {});
  void close_object() { writer_.EndObject(); }
  void open_array(std::string_view key = {});
  void close_array() { writer_.EndArray(); }
  void text(std::string_view key, std::string_view value);
  void number(std::string_view key, std::int64_t value);
  void flag(std::string_view key, bool value);
  void null(std::string_view key);
  /// ISO 8601 in UTC, or null.
  void time(std::string_view key, const std::optional<wall_time>& at);
  /// `KEY` as the time and `KEY_age_ms` as the time since then; both null if there is none.
  void time_and_age(std::string_view key, const std::optional<wall_time>& at, wall_time now);
  /// A number if there is one, or null.
  void maybe_number(std::string_view key, const std::optional<std::int64_t>& value);
  /// JSON text as it stands; if it is empty or no JSON: null, or the text itself.
  void document(std::string_view key, const std::string& json);
  /// The finished document with a newline at its end.
  std::string take();

 private:
  void begin(std::string_view key);
  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_{buffer_};
};

}  // namespace regent
