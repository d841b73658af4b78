#include "region/json.hpp"

#include <rapidjson/error/en.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <charconv>

namespace regent {

namespace {
/// RapidJSON takes 64 KB for each document unless told otherwise; nearly all of ours are of a kilobyte or two.
struct pooled_document {
  explicit pooled_document(std::size_t text_bytes)
      : pool(std::clamp(2 * text_bytes, std::size_t{1} << 10, std::size_t{1} << 16)) {}
  rapidjson::MemoryPoolAllocator<> pool;
  rapidjson::Document document{&pool};
};
}  // namespace

result<json_document> parse_json(std::string_view text) {
  auto pooled = std::make_shared<pooled_document>(text.size());
  auto* document = &pooled->document;
  document->Parse<rapidjson::kParseValidateEncodingFlag | rapidjson::kParseIterativeFlag>(text.data(), text.size());
  if (document->HasParseError())
    return fail(error_kind::permanent, "json_malformed", "{} (at byte {})",
                rapidjson::GetParseError_En(document->GetParseError()), document->GetErrorOffset());
  return json_document(std::move(pooled), document);
}

const rapidjson::Value* find_path(const rapidjson::Value& from, std::string_view path) {
  const auto* at = &from;
  while (!path.empty()) {
    const auto dot = path.find('.');
    const auto part = path.substr(0, dot);
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
    if (at->IsObject()) {
      const auto member = at->FindMember(rapidjson::Value(rapidjson::StringRef(part.data(), part.size())));
      if (member == at->MemberEnd()) return nullptr;
      at = &member->value;
    } else if (at->IsArray()) {
      rapidjson::SizeType index = 0;
      const auto [end, code] = std::from_chars(part.data(), part.data() + part.size(), index);
      if (code != std::errc{} || end != part.data() + part.size() || index >= at->Size()) return nullptr;
      at = &(*at)[index];
    } else {
      return nullptr;
    }
  }
  return at;
}

std::string json_text(const rapidjson::Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  value.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

namespace {
/// Length of the valid UTF-8 sequence at the head of `text`, or 0.
std::size_t utf8_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead < 0x80                   ? 1
                             : lead >= 0xC2 && lead < 0xE0 ? 2
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xF0 && lead < 0xF5 ? 4
                                                           : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 0;
  const auto second = length > 1 ? static_cast<unsigned char>(text[1]) : 0U;
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) ||
      (lead == 0xF4 && second > 0x8F))
    return 0;
  return length;
}
}  // namespace

std::string json_quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto length = utf8_length(text);
    if (length == 0) {
      out += "\\ufffd";
      text.remove_prefix(1);
      continue;
    }
    const char c = text[0];
    if (length > 1)
      out.append(text.substr(0, length));
    else if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out += c;
    text.remove_prefix(length);
  }
  return out += '"';
}

}  // namespace regent
