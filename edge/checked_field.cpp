#include "edge/checked_field.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace regent {

namespace {
std::string_view type_name(const rapidjson::Value* value) {
  if (value == nullptr) return "missing";
  switch (value->GetType()) {
    case rapidjson::kNullType: return "null";
    case rapidjson::kFalseType:
    case rapidjson::kTrueType: return "a boolean";
    case rapidjson::kObjectType: return "an object";
    case rapidjson::kArrayType: return "an array";
    case rapidjson::kStringType: return "a string";
    case rapidjson::kNumberType: return value->IsInt64() ? "an integer" : "a number";
  }
  return "unreadable";
}

std::string_view string_of(const rapidjson::Value& value) { return {value.GetString(), value.GetStringLength()}; }

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
}  // namespace

std::string excerpt(std::string_view text) {
  constexpr std::size_t most = 80;
  return text.size() <= most ? json_quote(text) : json_quote(text.substr(0, most)) + "…";
}

void checked_field::complain(std::string why) const {
  if (!*first_) *first_ = {path_, std::move(why)};
}

checked_field checked_field::operator[](std::string_view key) const {
  auto path = path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
  if (value_ == nullptr || !value_->IsObject()) {
    complain(fmt::format("must be an object, is {}", type_name(value_)));
    return {nullptr, std::move(path), *first_};
  }
  const auto found = value_->FindMember(
      rapidjson::Value(rapidjson::StringRef(key.data(), static_cast<rapidjson::SizeType>(key.size()))));
  return {found == value_->MemberEnd() ? nullptr : &found->value, std::move(path), *first_};
}

std::int64_t checked_field::integer(std::int64_t least, std::int64_t most) const {
  if (value_ == nullptr || !value_->IsInt64()) {
    complain(fmt::format("must be an integer, is {}", type_name(value_)));
    return least;
  }
  const auto number = value_->GetInt64();
  if (number >= least && number <= most) return number;
  complain(fmt::format("must be {} to {}, is {}", least, most, number));
  return least;
}

bool checked_field::flag() const {
  if (value_ != nullptr && value_->IsBool()) return value_->GetBool();
  complain(fmt::format("must be true or false, is {}", type_name(value_)));
  return false;
}

std::string checked_field::text(std::size_t most) const {
  if (value_ == nullptr || !value_->IsString()) {
    complain(fmt::format("must be a string, is {}", type_name(value_)));
    return {};
  }
  const auto text = string_of(*value_);
  if (text.size() > most) {
    complain(fmt::format("is longer than {} bytes: {}", most, excerpt(text)));
    return {};
  }
  if (std::any_of(text.begin(), text.end(), is_control)) {
    complain(fmt::format("holds a control character: {}", excerpt(text)));
    return {};
  }
  return std::string(text);
}

const rapidjson::Value& checked_field::object() const {
  static const rapidjson::Value empty(rapidjson::kObjectType);
  if (value_ != nullptr && value_->IsObject()) return *value_;
  complain(fmt::format("must be an object, is {}", type_name(value_)));
  return empty;
}

const rapidjson::Value& checked_field::array() const {
  static const rapidjson::Value empty(rapidjson::kArrayType);
  return is_array_of(SIZE_MAX) ? *value_ : empty;
}

const rapidjson::Value& checked_field::value() const {
  static const rapidjson::Value nothing;
  return value_ == nullptr ? nothing : *value_;
}

bool checked_field::is_array_of(std::size_t most) const {
  if (value_ == nullptr || !value_->IsArray())
    complain(fmt::format("must be an array, is {}", type_name(value_)));
  else if (value_->Size() > most)
    complain(fmt::format("has {} elements, {} are allowed", value_->Size(), most));
  else
    return true;
  return false;
}

}  // namespace regent
