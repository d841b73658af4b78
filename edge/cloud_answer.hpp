// What an answer that is not the hoped-for one means: stable codes, and the cloud's own words fit for a message.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "edge/http_client.hpp"

namespace regent {

/// "iaas_vm_update_110: A snapshot is unstable" from `{error_code,detail}` or `{errors:{field:{…}},detail}`; otherwise
/// the beginning of the body, quoted. One line, a few hundred bytes at most.
std::string refusal_words(std::string_view body);

/// The answer's body is a JSON object with `error_code` or `detail`: the API itself speaks, not a proxy or a wrong
/// address.
bool is_api_refusal(std::string_view body);

/// The error of `what` ("GET virtual_router/3/") that was answered with a status other than the wanted one. Codes:
/// `cloud_refused` (400, 403, 409, 422: permanent), `cloud_not_found` (404 of the API itself: permanent),
/// `cloud_redirected` (permanent), `cloud_http_NNN` (transient if 404, 408, 425 or from 500 on, else permanent).
error answer_error(std::string_view what, const http_reply& answer);

/// The text with every occurrence of the secret masked.
std::string without_secret(std::string text, std::string_view secret);

}  // namespace regent
