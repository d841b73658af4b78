#include "transport/resolver.hpp"

#include <netdb.h>

#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

#include "base/loopback.hpp"

namespace regent {
namespace {

constexpr std::size_t threads_most = 4;

int look_up(const std::string& name, int port, int flags, socket_addresses& into) {
  if (is_localhost(name)) {
    for (const auto* address : loopback_addresses) look_up(address, port, AI_NUMERICHOST, into);
    return 0;
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int failed = ::getaddrinfo(name.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (failed != 0) return failed;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    socket_address address;
    address.size = each->ai_addrlen;
    std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    into.push_back(address);
  }
  ::freeaddrinfo(list);
  return 0;
}

}  // namespace

socket_addresses numeric_addresses(const std::string& text, int port) {
  socket_addresses found;
  look_up(text, port, AI_NUMERICHOST, found);  // a name is no error here: none is found
  return found;
}

struct resolver::shared {
  struct question {
    std::string name;
    int port;
    answer done;
  };
  std::mutex guard;
  std::condition_variable asked;
  std::deque<question> questions;
  std::size_t threads = 0, idle = 0;
  bool stopping = false;

  void serve() {
    std::unique_lock lock(guard);
    for (;;) {
      ++idle;
      asked.wait(lock, [this] { return stopping || !questions.empty(); });
      --idle;
      if (stopping) return;
      const question next = std::move(questions.front());
      questions.pop_front();
      lock.unlock();
      socket_addresses found;
      const int failed = look_up(next.name, next.port, 0, found);
      lock.lock();
      if (stopping) return;
      // Under the lock: whoever asked is alive as long as the resolver has not begun to stop.
      if (failed == 0) {
        next.done(std::move(found));
      } else {
        next.done(fail(error_kind::transient, "name_unresolved", "the name {} has no address: {}", next.name,
                       ::gai_strerror(failed)));
      }
    }
  }
};

resolver::resolver() : shared_(std::make_shared<shared>()) {}

void resolver::stop() {
  std::lock_guard lock(shared_->guard);
  shared_->stopping = true;
  shared_->asked.notify_all();
}

void resolver::resolve(std::string name, int port, answer done) {
  std::lock_guard lock(shared_->guard);
  shared_->questions.push_back({std::move(name), port, std::move(done)});
  if (shared_->idle == 0 && shared_->threads < threads_most) {
    ++shared_->threads;
    std::thread([state = shared_] { state->serve(); }).detach();
  }
  shared_->asked.notify_one();
}

}  // namespace regent
