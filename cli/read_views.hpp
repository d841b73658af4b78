// The daemon's answers as text for people. A field that is missing or of another type (a daemon of another version) is
// shown as "-"; nothing is trusted to be safe for a terminal.
#pragma once

#include <rapidjson/document.h>

#include <string>

namespace regent::cli {

std::string status_view(const rapidjson::Value& answer);
std::string resources_view(const rapidjson::Value& answer);
std::string resource_view(const rapidjson::Value& answer);
std::string jobs_view(const rapidjson::Value& answer);
std::string tree_preview_view(const rapidjson::Value& preview);
std::string job_view(const rapidjson::Value& answer);
std::string dead_view(const rapidjson::Value& answer);
std::string hosts_view(const rapidjson::Value& answer);
std::string host_view(const rapidjson::Value& answer);
std::string sinks_view(const rapidjson::Value& answer);
std::string throttles_view(const rapidjson::Value& answer);
std::string schedules_view(const rapidjson::Value& answer);
std::string schedule_view(const rapidjson::Value& answer);
std::string locks_view(const rapidjson::Value& answer);
std::string why_view(const rapidjson::Value& answer);
std::string actors_view(const rapidjson::Value& answer);

/// One line for one event, without its newline.
std::string event_view(const rapidjson::Value& event);

/// For a list that was cut: how much was shown and how to go on; else empty.
std::string truncation_view(const rapidjson::Value& answer);

/// Ready, live and without problems.
bool is_well(const rapidjson::Value& status);

/// The message of an {"error":…} answer; empty if it is none.
std::string error_view(const rapidjson::Value& answer);

}  // namespace regent::cli
