#include "sim/cloud_answer.hpp"

#include <fmt/format.h>

namespace regent::sim {

answer json_answer(int status, const json::value& body) { return {status, json::serialize(body)}; }

answer content_answer(json::value content) { return json_answer(200, {{"content", std::move(content)}}); }

answer field_refused(std::string_view field, std::string_view code, std::string_view detail) {
  json::object errors;
  errors[field] = {{"error_code", code}, {"detail", detail}};
  return json_answer(400, {{"errors", std::move(errors)}, {"detail", "Bad request."}});
}

answer refused(int status, std::string_view code, std::string_view detail) {
  return json_answer(status, {{"error_code", code}, {"detail", detail}});
}

answer detail_answer(int status, std::string_view detail) { return json_answer(status, {{"detail", detail}}); }

answer html_answer(int status, std::string_view title) {
  return {
      status,
      fmt::format("<!doctype html>\n<html lang=\"en\">\n<head><title>{0}</title></head>\n<body><h1>{0}</h1></body>\n"
                  "</html>\n",
                  title),
      "text/html; charset=utf-8"};
}

}  // namespace regent::sim
