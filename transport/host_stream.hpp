// Bytes to and from a host's runner, however they travel. Never blocks; lives on one I/O thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace regent {

class host_stream {
 public:
  /// Closes the connection; what the host has started goes on.
  virtual ~host_stream() = default;

  /// Goes on with connecting: true once the runner's command is started and bytes can flow. Call whenever fd is ready.
  virtual result<bool> open() = 0;
  /// The descriptor to wait for, and the epoll events of interest now.
  virtual int fd() const = 0;
  virtual std::uint32_t events() const = 0;
  /// How many of the bytes were taken; fewer when the way is full: then wait.
  virtual result<std::size_t> write(std::string_view bytes) = 0;
  /// Appends what has arrived. An error once the other side has closed: all that came before it was appended.
  virtual result<void> read(std::string& into) = 0;
  /// Whether there is something to read that fd may not show any more: to write is to take in what arrives meanwhile.
  virtual bool has_input() = 0;
  /// What may be in the way, for an error's message: the host's words on stderr, or somebody else that open() waits for.
  virtual std::string complaint() = 0;
};

}  // namespace regent
