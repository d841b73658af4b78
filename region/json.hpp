// JSON documents as immutable shared values, and the dot paths by which plans and people look into them.
#pragma once

#include <rapidjson/document.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace regent {

/// A parsed document, shared and never changed. Never null.
using json_document = std::shared_ptr<const rapidjson::Document>;

/// Parses strictly (UTF-8 checked, nothing after the value). Errors: permanent `json_malformed` with the offset.
result<json_document> parse_json(std::string_view text);

/// The value at `a.0.b` (a number indexes an array), or nullptr. The empty path is the value itself.
const rapidjson::Value* find_path(const rapidjson::Value& from, std::string_view path);

/// Compact text of a value.
std::string json_text(const rapidjson::Value& value);

/// The text as a JSON string, quoted and escaped; invalid UTF-8 is replaced, so the result is always valid.
std::string json_quote(std::string_view text);

}  // namespace regent
