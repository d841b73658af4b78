// An HTTP answer in the cloud's shapes.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace regent::sim {

/// Boost's JSON here, not the region's: the simulator's records change all the time, and its values may be copied and
/// assigned.
namespace json = boost::json;

struct answer {
  int status = 200;
  std::string body;
  std::string type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers = {};
};

answer json_answer(int status, const json::value& body);
/// 200 `{"content": …}`.
answer content_answer(json::value content);
/// 400 `{"errors":{field:{error_code,detail}},"detail":"Bad request."}`.
answer field_refused(std::string_view field, std::string_view code, std::string_view detail);
/// `{error_code,detail}`: 400 for a rule, 403, 404.
answer refused(int status, std::string_view code, std::string_view detail);
/// `{detail}`: 401, 405, 415, 429 and bad JSON.
answer detail_answer(int status, std::string_view detail);
/// What the server says when it has no words of its own: 404 and 500.
answer html_answer(int status, std::string_view title);

}  // namespace regent::sim
