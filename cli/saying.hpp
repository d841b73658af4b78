// What commands say to their user, and with which exit they end.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "cli/daemon_client.hpp"

namespace regent::cli {

inline constexpr int well = 0;
inline constexpr int not_well = 1;   ///< asked and answered; the answer is no, or bad news
inline constexpr int wrong_use = 2;  ///< of the command: an option, a file; or its answer could not be written
inline constexpr int no_daemon = 3;

/// The command's answer, whole, on its standard output. Returns `exit`, or wrong_use if it could not be written: a cut file must not
/// look like a whole one.
int say(std::string_view text, int exit);

/// "regent: MESSAGE" and a line's end, on its standard error. Returns `exit`.
int complain(int exit, std::string_view message);
int complain(const error& why, int exit = wrong_use);

/// The exit for an answer that is not 200: wrong_use if the daemon called the question wrong.
int exit_of(const daemon_answer& answer);
/// Why the daemon did not do it, in its own words. Returns exit_of.
int complain(const daemon_answer& answer);

}  // namespace regent::cli
