#include "actors/reader.hpp"

#include <algorithm>

namespace regent {

namespace {

/// One record, for whoever goes first.
void read_next(reader_shell* self) {
  auto& lanes = self->state.wanted;
  const auto first = std::find_if(lanes.begin(), lanes.end(), [](const auto& lane) { return !lane.empty(); });
  if (first == lanes.end()) return;
  const auto wanted = std::move(first->front());
  first->pop_front();
  auto answer = self->state.link->get().and_then([&](cloud* client) { return client->read(wanted.id); });
  if (!answer) self->seen_as().failed(answer.error().text());
  caf::anon_send(wanted.asker, record_answer{std::make_shared<const result<record>>(std::move(answer))});
}

}  // namespace

reader_actor::behavior_type run_reader(reader_shell* self, context_ptr context) {
  self->seen_as().called("reader", "cloud");
  self->state.link = std::make_unique<cloud_link>(std::move(context));
  return {
      [=](const record_wanted& wanted) {
        self->state.wanted[static_cast<std::size_t>(wanted.in)].push_back(wanted);
        self->send(self, tick{});  // one for each: behind what has come meanwhile
      },
      [=](const claim_wanted& wanted) {
        const auto said =
            self->state.link->get().and_then([&](cloud* client) { return client->report(wanted.id, wanted.state); });
        claim_answer answer{wanted.state, {}};
        if (!said) answer.refused = said.error();
        caf::anon_send(wanted.asker, std::move(answer));
      },
      [=](const wish_wanted& wanted) {
        wanted.answer(
            self->state.link->get().and_then([&](cloud* client) { return client->ask(wanted.id, wanted.wish); }));
      },
      [=](const tick&) { read_next(self); },
  };
}

}  // namespace regent
