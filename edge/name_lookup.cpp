#include "edge/name_lookup.hpp"

#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#include "base/loopback.hpp"

namespace regent {

namespace asio = boost::asio;

struct name_lookup::answer {
  std::mutex guard;
  std::condition_variable_any ready;
  bool done = false;
  boost::system::error_code code;
  endpoints found;
};

namespace {
name_lookup::endpoints resolve(const std::string& host, const std::string& port, boost::system::error_code& code) {
  asio::io_context io;
  name_lookup::endpoints out;
  if (is_localhost(host)) {
    for (const auto* address : loopback_addresses)
      out.emplace_back(asio::ip::make_address(address), static_cast<unsigned short>(std::stoi(port)));
    return out;
  }
  for (const auto& entry : asio::ip::tcp::resolver(io).resolve(host, port, code)) out.push_back(entry.endpoint());
  return out;
}
}  // namespace

result<name_lookup::endpoints> name_lookup::find(const std::string& host, const std::string& port,
                                                 std::chrono::steady_clock::time_point end,
                                                 const std::stop_token& stop) {
  boost::system::error_code not_numeric;
  const auto numeric = asio::ip::make_address(host, not_numeric);
  if (!not_numeric) return endpoints{{numeric, static_cast<unsigned short>(std::stoi(port))}};

  if (const auto earlier = pending_) {
    const std::lock_guard lock(earlier->guard);
    if (earlier->done) pending_ = nullptr;  // came too late for the call that wanted it, and may be old
  }
  if (!pending_) {
    auto fresh = std::make_shared<answer>();
    try {
      std::thread([fresh, host, port] {
        boost::system::error_code code;
        auto found = resolve(host, port, code);
        const std::lock_guard lock(fresh->guard);
        fresh->code = code;
        fresh->found = std::move(found);
        fresh->done = true;
        fresh->ready.notify_all();
      }).detach();
    } catch (const std::system_error& problem) {
      return fail(error_kind::transient, "cloud_unreachable", "no thread to look up {}: {}", host, problem.what());
    }
    pending_ = fresh;
  }
  const auto waited = pending_;
  std::unique_lock lock(waited->guard);
  waited->ready.wait_until(lock, stop, end, [&] { return waited->done; });
  if (!waited->done && stop.stop_requested())
    return fail(error_kind::transient, "cloud_stopped", "stopped while looking up {}", host);
  if (!waited->done) return fail(error_kind::transient, "cloud_timeout", "no answer about the name {} in time", host);
  pending_ = nullptr;
  if (waited->code || waited->found.empty())
    return fail(error_kind::transient, "cloud_unreachable", "the name {} has no address: {}", host,
                waited->code ? waited->code.message() : "none found");
  return waited->found;
}

}  // namespace regent
